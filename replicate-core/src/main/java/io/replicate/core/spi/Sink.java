package io.replicate.core.spi;

import java.io.IOException;

/**
 * Where units are written.
 *
 * @param <U> places or contents.
 */
public interface Sink<U extends Unit> extends AutoCloseable {

    /** Returns the shape of the sink as it is before anything is written; size UNKNOWN when it takes any size. */
    Geometry geometry();

    /**
     * Opens the target for writing. Everything that can be known to fail is checked here, before the first byte: size,
     * free space, a mounted or locked device, the base revision, the kind of the target.
     *
     * @throws ReplicationException MISUSE with what to do about it.
     */
    Session<U> begin(Target target) throws IOException;

    @Override
    void close() throws IOException;
}
