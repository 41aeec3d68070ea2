package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.NetworkChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Sockets of java.nio, for machines without the native library. Slower, and without descriptors. */
final class NioSockets implements Sockets {
    static final NioSockets INSTANCE = new NioSockets();

    private NioSockets() {}

    @Override
    public Link connect(
            final SocketAddress remote,
            final @Nullable InetAddress local,
            final SocketOptions options,
            final Duration timeout)
            throws IOException {
        final SocketChannel channel = remote instanceof UnixDomainSocketAddress
                ? SocketChannel.open(StandardProtocolFamily.UNIX)
                : SocketChannel.open();
        try {
            channel.configureBlocking(false);
            setBuffers(channel, options);
            if (local != null) {
                channel.bind(new InetSocketAddress(local, 0));
            }
            finishConnect(channel, remote, timeout);
            if (remote.equals(channel.getLocalAddress()) && remote instanceof InetSocketAddress) {
                throw new ConnectException("Connection refused"); // joined to itself, as in NativeSockets
            }
            return link(channel, Peer.anonymous(name(remote)));
        } catch (final Throwable e) {
            channel.close();
            throw e;
        }
    }

    private static void finishConnect(final SocketChannel channel, final SocketAddress remote, final Duration timeout)
            throws IOException {
        if (channel.connect(remote)) {
            return;
        }
        final Deadline deadline = Deadline.in(timeout);
        try (NioWait wait = NioWait.on(channel, SelectionKey.OP_CONNECT)) {
            while (!channel.finishConnect()) {
                if (!wait.await(deadline.leftMs())) {
                    throw new SocketTimeoutException("no answer within " + timeout.toMillis() + " ms");
                }
            }
        }
    }

    @Override
    public Listener listen(final SocketAddress local, final SocketOptions options, final Locator name)
            throws IOException {
        final boolean unix = local instanceof UnixDomainSocketAddress;
        final ServerSocketChannel channel =
                unix ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
        try {
            channel.configureBlocking(false);
            if (!unix) {
                channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            }
            if (options.receiveBufferBytes() > 0) {
                channel.setOption(StandardSocketOptions.SO_RCVBUF, options.receiveBufferBytes());
            }
            channel.bind(local, BACKLOG);
            return new NioListener(
                    channel, options, ListenerNames.bound(name, () -> (InetSocketAddress) channel.getLocalAddress()));
        } catch (final IOException e) {
            channel.close();
            throw ReplicationException.fail("listen at " + name + ": " + e.getMessage(), e);
        } catch (final Throwable e) {
            channel.close();
            throw e;
        }
    }

    /** Makes the link of an accepted channel, which is closed when that fails. */
    static Link accepted(final SocketChannel channel, final SocketOptions options, final Locator listener)
            throws IOException {
        try {
            channel.configureBlocking(false);
            setBuffers(channel, options);
            final SocketAddress remote = channel.getRemoteAddress();
            return link(
                    channel, Peer.anonymous(remote instanceof InetSocketAddress ? name(remote) : listener.toString()));
        } catch (final Throwable e) {
            channel.close();
            throw e;
        }
    }

    private static Link link(final SocketChannel channel, final Peer peer) throws IOException {
        if (channel.getRemoteAddress() instanceof InetSocketAddress) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        }
        return new NioLink(channel, peer);
    }

    private static void setBuffers(final NetworkChannel channel, final SocketOptions options) throws IOException {
        if (options.sendBufferBytes() > 0) {
            channel.setOption(StandardSocketOptions.SO_SNDBUF, options.sendBufferBytes());
        }
        if (options.receiveBufferBytes() > 0) {
            channel.setOption(StandardSocketOptions.SO_RCVBUF, options.receiveBufferBytes());
        }
    }

    private static String name(final SocketAddress address) {
        return address instanceof InetSocketAddress inet ? HostAndPort.format(inet) : "unix:" + address;
    }
}
