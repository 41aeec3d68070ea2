package io.replicate.nbd.server;

import io.netty.channel.Channel;

/** What the log calls a client: its address, or the socket by which it came where clients have none. */
final class PeerName {
    private PeerName() {}

    static String of(Channel channel) {
        final String remote = String.valueOf(channel.remoteAddress());
        return remote.isEmpty() ? "a client at " + channel.localAddress() : remote;
    }
}
