package io.replicate.core.net;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Errors;
import io.netty.channel.unix.Socket;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plain descriptors: Netty's native library makes and names them, poll(2) waits for them. */
final class NativeSockets implements Sockets {
    static final NativeSockets INSTANCE = new NativeSockets(Posix.get());

    private static final int IPPROTO_TCP = 6;
    private static final int TCP_MAXSEG = 2;
    private static final Logger log = LoggerFactory.getLogger(NativeSockets.class);

    private final Posix posix;

    private NativeSockets(final Posix posix) {
        this.posix = posix;
    }

    private static final class Availability {
        static final boolean AVAILABLE = look();

        private static boolean look() {
            if (!Posix.get().isNative()) {
                log.info("no native calls: sockets are those of java.nio, without splice and sendfile");
                return false;
            }
            if (!Epoll.isAvailable()) {
                log.info(
                        "no native sockets ({}): sockets are those of java.nio, without splice and sendfile",
                        String.valueOf(Epoll.unavailabilityCause()));
                return false;
            }
            return true;
        }
    }

    /** Returns whether this machine has native sockets; finds out once, and says so when it has none. */
    static boolean available() {
        return Availability.AVAILABLE;
    }

    @Override
    public Link connect(
            final SocketAddress remote,
            final @Nullable InetAddress local,
            final SocketOptions options,
            final Duration timeout)
            throws IOException {
        final Socket socket = open(remote);
        final Fd fd = Fd.adopt(posix, socket.intValue(), "socket to " + remote);
        try {
            setBuffers(socket, options);
            if (options.segmentBytes() > 0 && !(remote instanceof UnixDomainSocketAddress)) {
                socket.setIntOpt(IPPROTO_TCP, TCP_MAXSEG, options.segmentBytes()); // before the SYN, which carries it
            }
            if (local != null) {
                socket.bind(new InetSocketAddress(local, 0));
            }
            connect(socket, remote, timeout);
            if (remote instanceof UnixDomainSocketAddress path) {
                return new NativeLink(posix, socket, fd, Peer.anonymous("unix:" + path));
            }
            final InetSocketAddress peer = (InetSocketAddress) remote;
            if (peer.getPort() == socket.localAddress().getPort()
                    && socket.remoteAddress().equals(socket.localAddress())) {
                // A local port that nobody listens at, and that the kernel has just picked for us: TCP joins it to
                // itself.
                throw new ConnectException("Connection refused");
            }
            setTcp(socket);
            return new NativeLink(posix, socket, fd, Peer.anonymous(HostAndPort.format(peer)));
        } catch (final Errors.NativeIoException | ConnectException | NoRouteToHostException e) {
            fd.close();
            throw new IOException(reason(e), e);
        } catch (final Throwable e) {
            fd.close();
            throw e;
        }
    }

    private void connect(final Socket socket, final SocketAddress remote, final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        boolean connected = socket.connect(toNetty(remote));
        while (!connected) {
            final int ready = posix.poll(socket.intValue(), Linux.POLLOUT, deadline.leftMs());
            if (ready == 0) {
                throw new SocketTimeoutException("no answer within " + timeout.toMillis() + " ms");
            }
            PosixException.check(ready, "poll", "socket");
            connected = socket.finishConnect();
        }
    }

    @Override
    public Listener listen(final SocketAddress local, final SocketOptions options, final Locator name)
            throws IOException {
        final Socket socket = open(local);
        final Fd fd = Fd.adopt(posix, socket.intValue(), "listener at " + name);
        try {
            socket.setReuseAddress(true);
            setBuffers(socket, options);
            socket.bind(toNetty(local));
            socket.listen(BACKLOG);
            return new NativeListener(posix, socket, fd, options, ListenerNames.bound(name, socket::localAddress));
        } catch (final IOException e) {
            fd.close();
            throw ReplicationException.fail("listen at " + name + ": " + reason(e), e);
        } catch (final Throwable e) {
            fd.close();
            throw e;
        }
    }

    /** Makes the link of an accepted descriptor, which is closed when that fails. */
    Link accepted(final int number, final boolean unix, final SocketOptions options, final Locator listener)
            throws IOException {
        final Socket socket = new Socket(number);
        final Fd fd = Fd.adopt(posix, number, "socket accepted at " + listener);
        try {
            if (unix) {
                return new NativeLink(posix, socket, fd, Peer.anonymous(listener.toString()));
            }
            final @Nullable InetSocketAddress remote = socket.remoteAddress();
            if (remote == null) {
                throw new IOException("the peer is gone already");
            }
            setBuffers(socket, options);
            setTcp(socket);
            return new NativeLink(posix, socket, fd, Peer.anonymous(HostAndPort.format(remote)));
        } catch (final Throwable e) {
            fd.close();
            throw e;
        }
    }

    private static Socket open(final SocketAddress address) {
        if (address instanceof UnixDomainSocketAddress) {
            return Socket.newSocketDomain();
        }
        // An unbound address asks for all of them: an IPv6 socket takes IPv4 as well, where there is IPv6.
        final InetSocketAddress inet = (InetSocketAddress) address;
        return inet.getAddress().isAnyLocalAddress()
                ? LinuxSocket.newSocketStream(Socket.isIPv6Preferred())
                : LinuxSocket.newSocketStream(inet.getAddress() instanceof Inet6Address);
    }

    private static SocketAddress toNetty(final SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress path) {
            return new DomainSocketAddress(path.getPath().toFile());
        }
        final InetSocketAddress inet = (InetSocketAddress) address;
        return inet.getAddress().isAnyLocalAddress() && Socket.isIPv6Preferred()
                ? new InetSocketAddress(InetAddress.getByAddress(new byte[16]), inet.getPort())
                : inet;
    }

    private static void setBuffers(final Socket socket, final SocketOptions options) throws IOException {
        if (options.sendBufferBytes() > 0) {
            socket.setSendBufferSize(options.sendBufferBytes());
        }
        if (options.receiveBufferBytes() > 0) {
            socket.setReceiveBufferSize(options.receiveBufferBytes());
        }
    }

    private static void setTcp(final Socket socket) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
    }

    /** Wakes everybody who waits for the socket; it goes when the last has left. */
    static void shutdownAndClose(final Posix posix, final Fd fd) throws IOException {
        if (!fd.isOpen()) {
            return;
        }
        final int number;
        try {
            number = fd.acquire();
        } catch (final PosixException e) {
            return; // somebody else has just closed it
        }
        try {
            fd.close(); // first, so that whoever wakes sees it
            posix.shutdown(number, Linux.SHUT_RDWR);
        } finally {
            fd.release();
        }
    }

    /** Returns why a call of Netty failed, in the system's words without the call's name. */
    static String reason(final IOException e) {
        if (e instanceof Errors.NativeIoException n) {
            return Errnos.name(Math.abs(n.expectedErr()));
        }
        return NettyErrors.reason(e);
    }
}
