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

/** The event loops of all clients in this process, as daemon threads. */
final class ClientLoops {
    private static final int THREADS = 2;

    private ClientLoops() {}

    private static final class Group {
        static final EventLoopGroup LOOPS = new MultiThreadIoEventLoopGroup(
                THREADS,
                new DefaultThreadFactory("nbd-client", true),
                Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    }

    static boolean epoll() {
        return Epoll.isAvailable();
    }

    static Bootstrap bootstrap(boolean unix) {
        final Class<? extends Channel> tcpChannel = epoll() ? EpollSocketChannel.class : NioSocketChannel.class;
        final Class<? extends Channel> unixChannel =
                epoll() ? EpollDomainSocketChannel.class : NioDomainSocketChannel.class;
        final Bootstrap bootstrap = new Bootstrap()
                .group(Group.LOOPS)
                .channel(unix ? unixChannel : tcpChannel)
                .option(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT);
        return unix
                ? bootstrap
                : bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.SO_KEEPALIVE, true);
    }
}
