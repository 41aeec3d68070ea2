package io.replicate.core.spi;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A bound local address. {@link #accept(Duration)} is called by one thread, {@link #close()} by any. */
public interface Listener extends AutoCloseable {

    /** Returns the address as bound, with the true port. */
    Locator local();

    /**
     * Returns the next link, or null when nobody came within {@code timeout}. A peer that connects and fails to prove
     * itself, or to speak at all, never makes this throw or wait longer.
     *
     * @throws java.nio.channels.AsynchronousCloseException when the listener is or becomes closed.
     */
    @Nullable
    Link accept(Duration timeout) throws IOException;

    @Override
    void close() throws IOException;
}
