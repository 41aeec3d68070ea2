package io.replicate.nbd.protocol;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.RawUnixChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TCP between two processes of one host. Where the system's congestion control is BBR, which many hosts use for the sake
 * of distant clients, it measures the path, and sends by a timer at the pace that it found. Between processes there is
 * nothing to measure: the timers of a read of 1 MiB cost more than the read. Reno does not pace, is in every kernel and is
 * allowed to every user, and without losses it never slows down. Connections to other hosts are left as the system has them.
 */
public final class SameHost {
    private static final Logger LOG = LoggerFactory.getLogger(SameHost.class);
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_CONGESTION = 13;
    private static final byte[] RENO = "reno".getBytes(StandardCharsets.US_ASCII);
    private static final RawUnixChannelOption CONGESTION =
            new RawUnixChannelOption("TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, RENO.length);

    private SameHost() {}

    /** Spares a connected channel the pacing if both of its ends are here; any other it leaves alone. */
    public static void tune(Channel channel) {
        if (channel instanceof EpollSocketChannel && isLocal(channel.localAddress(), channel.remoteAddress())) {
            set(channel);
        }
    }

    /**
     * As {@link #tune(Channel)}, for a channel that listens at or is about to connect to {@code end}, if that is of the
     * loopback. It does more: a connection that BBR has begun keeps some of its timers.
     */
    public static void tune(Channel channel, @Nullable SocketAddress end) {
        if ((channel instanceof EpollSocketChannel || channel instanceof EpollServerSocketChannel)
                && end instanceof InetSocketAddress inet
                && inet.getAddress() != null
                && inet.getAddress().isLoopbackAddress()) {
            set(channel);
        }
    }

    private static void set(Channel channel) {
        try {
            channel.config().setOption(CONGESTION, ByteBuffer.wrap(RENO));
        } catch (final ChannelException e) {
            LOG.debug("{}: the congestion control stays as it is", channel, e);
        }
    }

    /** Returns whether a connection between these addresses stays on this host. */
    static boolean isLocal(@Nullable SocketAddress local, @Nullable SocketAddress remote) {
        if (!(local instanceof InetSocketAddress here) || !(remote instanceof InetSocketAddress there)) {
            return false;
        }
        final InetAddress peer = there.getAddress();
        return peer != null && (peer.isLoopbackAddress() || peer.equals(here.getAddress()));
    }
}
