package io.replicate.cas.testing;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Stands between clients and a server of the loopback, and delays every byte in both directions by the same time. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a write shows at the connection
public final class DelayProxy implements AutoCloseable {
    private final EventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("delay", true), NioIoHandler.newFactory());
    private final long delayNs;
    private final Channel listener;

    /**
     * Starts a proxy on a free port.
     *
     * @param serverPort of the loopback.
     * @param oneWay how much later each byte arrives; half of the round trip.
     */
    public DelayProxy(final int serverPort, final Duration oneWay) {
        this.delayNs = oneWay.toNanos();
        this.listener = new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(final SocketChannel client) {
                        connect(client, serverPort);
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .syncUninterruptibly()
                .channel();
    }

    /** Returns the port to connect to instead of the server's. */
    public int port() {
        return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    private void connect(final SocketChannel client, final int serverPort) {
        final Later toServer = new Later();
        client.pipeline().addLast(toServer);
        new Bootstrap()
                .group(client.eventLoop())
                .channel(NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .handler(new Later(client))
                .connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), serverPort))
                .addListener(done -> {
                    if (!done.isSuccess()) {
                        client.close();
                        return;
                    }
                    toServer.to(((io.netty.channel.ChannelFuture) done).channel());
                    client.config().setAutoRead(true);
                });
    }

    @Override
    public void close() {
        listener.close().syncUninterruptibly();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1000);
    }

    /** Hands on what it reads, later, in order. */
    private final class Later extends ChannelInboundHandlerAdapter {
        private @Nullable Channel target;

        Later() {}

        Later(final Channel target) {
            this.target = target;
        }

        void to(final Channel channel) {
            target = channel;
        }

        @Override
        public void channelRead(final ChannelHandlerContext context, final Object message) {
            final Channel to = target;
            if (to == null) {
                ((ByteBuf) message).release();
                return;
            }
            // Tasks of one loop with one delay run in the order in which they were scheduled.
            context.executor().schedule(() -> to.writeAndFlush(message), delayNs, TimeUnit.NANOSECONDS);
        }

        @Override
        public void channelInactive(final ChannelHandlerContext context) {
            final Channel to = target;
            if (to != null) {
                context.executor().schedule(() -> to.close(), delayNs, TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            context.close();
        }
    }
}
