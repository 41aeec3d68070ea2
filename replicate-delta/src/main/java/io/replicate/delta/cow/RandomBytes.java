package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Bytes that can be read anywhere: a file, a device, a spool. Safe for concurrent reads where the thing behind it is. */
public interface RandomBytes {

    /** Returns the size in bytes. */
    long size() throws IOException;

    /** Reads exactly {@code into.remaining()} bytes at {@code offset}; the caller keeps within the size. */
    void read(long offset, ByteBuffer into) throws IOException;
}
