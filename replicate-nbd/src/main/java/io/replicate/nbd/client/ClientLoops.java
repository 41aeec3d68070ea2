package io.replicate.nbd.client;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The event loops of all clients in this process, as daemon threads. They end with the last client: a JVM that exits waits
 * 0.3 s for threads that are in the kernel. Safe for use by any thread.
 */
final class ClientLoops implements AutoCloseable {
    private static final int THREADS = 2;

    private static @Nullable EventLoopGroup shared;
    private static int users;

    private final EventLoopGroup group;
    private boolean closed;

    private ClientLoops(EventLoopGroup group) {
        this.group = group;
    }

    /** Returns the loops for one client, which must close them. */
    static ClientLoops acquire() {
        synchronized (ClientLoops.class) {
            EventLoopGroup group = shared;
            if (group == null) {
                group = new MultiThreadIoEventLoopGroup(
                        THREADS,
                        new DefaultThreadFactory("nbd-client", true),
                        epoll() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
                shared = group;
            }
            users++;
            return new ClientLoops(group);
        }
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // whoever closes need not see the threads end
    public void close() {
        synchronized (ClientLoops.class) {
            if (closed) {
                return;
            }
            closed = true;
            users--;
            if (users == 0) {
                group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
                shared = null;
            }
        }
    }

    static boolean epoll() {
        return Epoll.isAvailable();
    }

    Bootstrap bootstrap(boolean unix) {
        final Class<? extends Channel> tcpChannel = epoll() ? EpollSocketChannel.class : NioSocketChannel.class;
        final Class<? extends Channel> unixChannel =
                epoll() ? EpollDomainSocketChannel.class : NioDomainSocketChannel.class;
        final Bootstrap bootstrap = new Bootstrap()
                .group(group)
                .channel(unix ? unixChannel : tcpChannel)
                .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT);
        return unix
                ? bootstrap
                : bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.SO_KEEPALIVE, true);
    }
}
