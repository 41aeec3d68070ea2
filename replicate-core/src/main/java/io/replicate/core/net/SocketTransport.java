package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * TCP and Unix stream sockets: {@code tcp://HOST:PORT}, {@code unix:PATH}. Parameters, of the transport or of one
 * address: {@code sndbuf}, {@code rcvbuf} (bytes), {@code native=false} (sockets of java.nio, without descriptors), and
 * for TCP {@code bind=ADDRESS} or {@code interface=NAME}, and {@code mss} (bytes, native sockets only). Nothing is proven about the peer, and nothing is encrypted.
 */
public final class SocketTransport implements Transport {
    private final Locator defaults;

    private SocketTransport(final Locator defaults) {
        this.defaults = defaults;
    }

    /** Returns a transport for {@code tcp:} and {@code unix:} addresses, whose parameters are those of {@code defaults}. */
    public static SocketTransport of(final Locator defaults) throws ReplicationException {
        options(defaults, defaults);
        return new SocketTransport(defaults);
    }

    @Override
    public Link connect(final Locator peer, final Duration timeout) throws IOException {
        final SocketOptions options = options(peer, defaults);
        final Deadline deadline = Deadline.in(timeout);
        if (peer.scheme().equals("unix")) {
            return attempt(
                    peer,
                    "",
                    () -> Sockets.choose(options.nativeSockets())
                            .connect(UnixPath.of(peer), null, options, deadline.left()));
        }
        final HostAndPort address = HostAndPort.of(peer);
        final List<InetAddress> hosts = Resolver.resolve(address.host(), deadline.left());
        final StringJoiner failures = new StringJoiner("; ");
        @Nullable IOException last = null;
        for (int i = 0; i < hosts.size(); i++) {
            final InetSocketAddress remote = new InetSocketAddress(hosts.get(i), address.port());
            final Duration share = deadline.left().dividedBy(hosts.size() - i);
            try {
                return attempt(
                        peer,
                        HostAndPort.format(remote) + ": ",
                        () -> Sockets.choose(options.nativeSockets())
                                .connect(remote, localAddress(remote.getAddress(), options), options, share));
            } catch (final ReplicationException e) {
                if (e.category() != Category.RETRY || hosts.size() == 1) {
                    throw e;
                }
                failures.add(HostAndPort.format(remote) + ": " + causeOf(e));
                last = e;
            }
        }
        throw ReplicationException.retry("connect to " + peer + ": " + failures, last);
    }

    private interface Attempt {
        Link connect() throws IOException;
    }

    private static Link attempt(final Locator peer, final String detail, final Attempt attempt) throws IOException {
        try {
            return attempt.connect();
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw ReplicationException.retry("connect to " + peer + ": " + detail + e.getMessage(), e);
        }
    }

    private static String causeOf(final ReplicationException e) {
        final @Nullable Throwable cause = e.getCause();
        return String.valueOf(cause == null ? e.getMessage() : cause.getMessage());
    }

    private static @Nullable InetAddress localAddress(final InetAddress remote, final SocketOptions options)
            throws IOException {
        if (options.networkInterface().isPresent()) {
            return Resolver.addressOf(options.networkInterface().get(), remote);
        }
        return options.bind().isPresent() ? InetAddress.getByName(options.bind().get()) : null;
    }

    @Override
    public Listener listen(final Locator local) throws IOException {
        final SocketOptions options = options(local, defaults);
        final Sockets sockets = Sockets.choose(options.nativeSockets());
        if (local.scheme().equals("unix")) {
            return UnixPath.listen(sockets, options, local);
        }
        final HostAndPort address = HostAndPort.of(local);
        return sockets.listen(listenAddress(address, options), options, local);
    }

    private static InetSocketAddress listenAddress(final HostAndPort address, final SocketOptions options)
            throws IOException {
        if (!address.host().isEmpty()) {
            return new InetSocketAddress(
                    Resolver.resolve(address.host(), Duration.ofSeconds(30)).get(0), address.port());
        }
        if (options.networkInterface().isPresent()) {
            return new InetSocketAddress(
                    Resolver.addressOf(options.networkInterface().get()), address.port());
        }
        return new InetSocketAddress(address.port());
    }

    private static SocketOptions options(final Locator locator, final Locator defaults) throws ReplicationException {
        switch (locator.scheme()) {
            case "tcp" -> locator.allowOnly(SocketOptions.TCP_PARAMETERS);
            case "unix" -> locator.allowOnly(SocketOptions.UNIX_PARAMETERS);
            default ->
                throw ReplicationException.misuse("locator '" + locator + "': expected tcp://HOST:PORT or unix:PATH");
        }
        return SocketOptions.of(locator, defaults);
    }
}
