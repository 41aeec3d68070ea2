package io.replicate.nbd.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.SameHost;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's side of a server: epoll where its library loads, java.nio otherwise. */
final class Transports {
    private static final int KEEP_IDLE_SECONDS = 30;
    private static final int KEEP_INTERVAL_SECONDS = 10;
    private static final int KEEP_COUNT = 3;

    private Transports() {}

    static boolean epoll() {
        return Epoll.isAvailable();
    }

    static EventLoopGroup loops(int threads) {
        final IoHandlerFactory factory = epoll() ? SteadyEpoll.newFactory() : NioIoHandler.newFactory();
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory("nbd-loop", true), factory);
    }

    static ChannelFactory<ServerChannel> tcp() {
        return epoll() ? EpollServerSocketChannel::new : NioServerSocketChannel::new;
    }

    static ChannelFactory<ServerChannel> unix() {
        return epoll() ? EpollServerDomainSocketChannel::new : NioServerDomainSocketChannel::new;
    }

    static SocketAddress unixAddress(Path path) {
        return epoll() ? new DomainSocketAddress(path.toFile()) : UnixDomainSocketAddress.of(path);
    }

    /**
     * Returns a factory for the listening socket that a service manager handed over.
     *
     * @param fd that listens already.
     */
    static ChannelFactory<ServerChannel> inherited(int fd) throws ReplicationException {
        if (!epoll()) {
            throw ReplicationException.misuse("socket activation needs Netty's native epoll transport");
        }
        final boolean local = isUnixSocket(fd);
        final Posix posix = Posix.get();
        final int flags = posix.fcntl(fd, Linux.F_GETFL, 0);
        if (flags < 0 || posix.fcntl(fd, Linux.F_SETFL, flags | Linux.O_NONBLOCK) < 0) {
            throw ReplicationException.misuse("LISTEN_FDS: descriptor " + fd + " cannot be made non-blocking");
        }
        return () -> local ? new EpollServerDomainSocketChannel(fd) : new EpollServerSocketChannel(fd);
    }

    private static boolean isUnixSocket(int fd) throws ReplicationException {
        try {
            final String link =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
            if (!link.startsWith("socket:[")) {
                throw ReplicationException.misuse("LISTEN_FDS: descriptor " + fd + " is no socket but " + link);
            }
            final String inode = link.substring("socket:[".length(), link.length() - 1);
            try (var lines = Files.lines(Path.of("/proc/net/unix"))) {
                return lines.anyMatch(line -> line.matches(".* " + inode + "( .*)?"));
            }
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw ReplicationException.misuse("LISTEN_FDS: descriptor " + fd + " is not open");
        }
    }

    /** Sets what every connection over TCP should have: no delay, probes that find dead peers, no pacing on one host. */
    static void tune(Channel channel) {
        if (channel instanceof SocketChannel tcp) {
            tcp.config().setTcpNoDelay(true).setKeepAlive(true);
            if (epoll()) {
                channel.config().setOption(EpollChannelOption.TCP_KEEPIDLE, KEEP_IDLE_SECONDS);
                channel.config().setOption(EpollChannelOption.TCP_KEEPINTVL, KEEP_INTERVAL_SECONDS);
                channel.config().setOption(EpollChannelOption.TCP_KEEPCNT, KEEP_COUNT);
                SameHost.tune(channel);
            }
        }
    }
}
