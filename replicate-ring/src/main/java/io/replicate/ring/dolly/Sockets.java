package io.replicate.ring.dolly;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Makes the sockets of a node. */
final class Sockets implements AutoCloseable {
    private static final long RETRY_NS = TimeUnit.MILLISECONDS.toNanos(250);

    private final DollyOptions options;
    private final Transport tcp = Providers.transport(Locator.parse("tcp://:0"));

    Sockets(final DollyOptions options) throws IOException {
        this.options = options;
    }

    Link control(final String host, final Deadline deadline) throws IOException {
        return connect(host, options.controlPort(), "", deadline);
    }

    Link controlOnce(final String host, final Duration wait) throws IOException {
        return tcp.connect(locator(options.resolver().resolve(host), options.controlPort(), ""), wait);
    }

    Link data(final String host, final int segmentBytes, final Deadline deadline) throws IOException {
        String query = segmentBytes > 0 ? "?mss=" + segmentBytes : "";
        if (options.socketBufferBytes() > 0) {
            query += (query.isEmpty() ? "?" : "&") + "sndbuf=" + options.socketBufferBytes();
        }
        return connect(host, options.dataPort(), query, deadline);
    }

    /** Asks systemd on a client to start dolly; a failure only means that it is not asked this way. */
    void wake(final String host, final Duration wait) {
        try {
            tcp.connect(locator(options.resolver().resolve(host), options.wakePort(), ""), wait)
                    .close();
        } catch (final IOException e) {
            options.listener().warning("cannot wake " + host + ": " + e.getMessage());
        }
    }

    /** Connects; goes on while it is refused, as the other side may be starting, until the deadline. */
    private Link connect(final String host, final int port, final String query, final Deadline deadline)
            throws IOException {
        final Locator locator = locator(options.resolver().resolve(host), port, query);
        int failures = 0;
        while (true) {
            try {
                return tcp.connect(locator, deadline.left());
            } catch (final ReplicationException e) {
                final boolean refused = String.valueOf(e.getMessage()).contains("ECONNREFUSED")
                        || String.valueOf(e.getMessage()).contains("refused");
                failures += refused ? 0 : 1;
                if (deadline.passed() || failures >= options.tries()) {
                    throw ReplicationException.fail(
                            "cannot connect to " + host + " port " + port + ": "
                                    + (refused ? "refused; is dolly running there?" : String.valueOf(e.getMessage())),
                            e);
                }
                LockSupport.parkNanos(RETRY_NS);
            }
        }
    }

    private Locator locator(final String host, final int port, final String query) throws ReplicationException {
        final boolean v6 = host.indexOf(':') >= 0 && !host.startsWith("[");
        return Locator.parse("tcp://" + (v6 ? "[" + host + "]" : host) + ":" + port + query);
    }

    Listener listenControl() throws IOException {
        return tcp.listen(locator(options.bind(), options.controlPort(), ""));
    }

    Listener listenData() throws IOException {
        final int bytes = options.socketBufferBytes();
        return tcp.listen(locator(options.bind(), options.dataPort(), bytes > 0 ? "?rcvbuf=" + bytes : ""));
    }

    @Override
    public void close() throws IOException {
        tcp.close();
    }
}
