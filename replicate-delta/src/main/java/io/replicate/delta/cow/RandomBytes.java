package io.replicate.delta.cow;

import io.replicate.core.posix.Pieces;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Bytes that can be read anywhere: a file, a device, a spool. */
public interface RandomBytes {

    /** Returns the size in bytes. */
    long size() throws IOException;

    /** Reads exactly {@code into.remaining()} bytes at {@code offset}; the caller keeps within the size. */
    void read(long offset, ByteBuffer into) throws IOException;

    /** Reads every piece into its part of the buffer, whose position and limit stay; together where that is possible. */
    default void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
        for (int i = 0; i < pieces.count(); i++) {
            read(pieces.offset(i), into.slice(pieces.position(i), pieces.length(i)));
        }
    }

    /**
     * Returns how many threads should read at a time where these places are wanted: 1 where only one may.
     *
     * @param offsets of some of what will be read, in bytes.
     */
    default int readers(final long[] offsets) throws IOException {
        return 1;
    }
}
