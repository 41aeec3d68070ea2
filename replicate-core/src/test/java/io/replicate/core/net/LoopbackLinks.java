package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;

/** Two TCP links that are each other's other side. */
record LoopbackLinks(Link near, Link far) implements AutoCloseable {
    private static final Duration WAIT = Duration.ofSeconds(20);

    static LoopbackLinks open() throws IOException {
        final Locator anywhere = Locator.parse("tcp://127.0.0.1:0");
        final SocketTransport transport = SocketTransport.of(anywhere);
        try (Listener listener = transport.listen(anywhere)) {
            final Link near = transport.connect(listener.local(), WAIT); // the kernel completes it
            return new LoopbackLinks(near, Objects.requireNonNull(listener.accept(WAIT)));
        }
    }

    @Override
    public void close() throws IOException {
        try (near) {
            far.close();
        }
    }
}
