package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

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

    /**
     * Returns these bytes as a file that the kernel can copy from, when what is at these offsets is in memory; else null:
     * only who reads in parallel should wait for a disk. Closed by the caller.
     */
    default @Nullable FileChannel cached(final long[] offsets) throws IOException {
        return null;
    }
}
