package io.replicate.nbd.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.RawUnixChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class SameHostTest {
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_CONGESTION = 13;
    private static final int NAME_BYTES = 16;

    @Test
    void connectionsWithinOneHostAreNotPaced() throws Exception {
        assumeTrue(Epoll.isAvailable());
        final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try {
            final Channel server = new ServerBootstrap()
                    .group(loops)
                    .channel(EpollServerSocketChannel.class)
                    .childHandler(new ChannelInboundHandlerAdapter())
                    .bind(InetAddress.getLoopbackAddress(), 0)
                    .sync()
                    .channel();
            final Channel client = new Bootstrap()
                    .group(loops)
                    .channel(EpollSocketChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .connect(server.localAddress())
                    .sync()
                    .channel();

            SameHost.tune(client);

            assertThat(congestionControl(client)).isEqualTo("reno");

            SameHost.tune(server, server.localAddress());

            assertThat(congestionControl(server)).isEqualTo("reno");
        } finally {
            loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private static String congestionControl(Channel channel) {
        final ByteBuffer name = channel.config()
                .getOption(new RawUnixChannelOption("TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, NAME_BYTES));
        return StandardCharsets.US_ASCII.decode(name).toString().replaceAll("\0.*", "");
    }

    @Test
    void bothEndsMustBeHere() throws Exception {
        assertThat(SameHost.isLocal(at("127.0.0.1"), at("127.0.0.1"))).isTrue();
        assertThat(SameHost.isLocal(at("127.0.0.1"), at("127.0.0.2"))).isTrue();
        assertThat(SameHost.isLocal(at("::1"), at("::1"))).isTrue();
        assertThat(SameHost.isLocal(at("192.0.2.1"), at("192.0.2.1"))).isTrue();
        assertThat(SameHost.isLocal(at("192.0.2.1"), at("192.0.2.2"))).isFalse();
        assertThat(SameHost.isLocal(at("2001:db8::1"), at("2001:db8::2"))).isFalse();
        assertThat(SameHost.isLocal(null, null)).as("closed meanwhile").isFalse();
        assertThat(SameHost.isLocal(new DomainSocketAddress("a"), new DomainSocketAddress("a")))
                .as("no TCP")
                .isFalse();
    }

    private static SocketAddress at(String address) throws Exception {
        return new InetSocketAddress(InetAddress.getByName(address), 10809);
    }
}
