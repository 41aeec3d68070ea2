package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Bytes that can be read anywhere: a file, a device, a spool. */
public interface RandomBytes {

    /** Returns the size in bytes. */
    long size() throws IOException;

    /** Reads exactly {@code into.remaining()} bytes at {@code offset}; the caller keeps within the size. */
    void read(long offset, ByteBuffer into) throws IOException;

    /** Returns whether several threads may read at once. */
    default boolean concurrent() {
        return false;
    }
}
