package io.replicate.delta.apply;

import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A file of the state of a target. Used by one thread. */
public interface StateFile extends RandomBytes, AutoCloseable {

    /** Writes all remaining bytes at {@code offset}, and extends the file where needed. */
    void write(long offset, ByteBuffer from) throws IOException;

    /** Makes room for this many bytes, so that a full disk is known before anything depends on it; the size stays. */
    void reserve(long bytes) throws IOException;

    /** Cuts the file to this many bytes. */
    void truncate(long bytes) throws IOException;

    /** When this returns, the content and the size are durable. A failure is final. */
    void sync() throws IOException;

    @Override
    void close() throws IOException;
}
