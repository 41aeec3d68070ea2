package io.replicate.core.spi;

import io.replicate.core.posix.Pieces;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A read-write, random-access run of bytes: what NBD exports. Reads see completed writes. Safe for concurrent use;
 * overlapping concurrent writes leave either content per byte. Ranges outside the volume are the caller's mistake
 * ({@link IllegalArgumentException}).
 */
public interface Volume extends Source<Extent> {

    /** How a write is to be done. */
    enum Flag {
        /** Durable on return. */
        FUA,
        /** A zeroed range keeps its allocation. */
        NO_HOLE,
        /** Zero only if that is faster than writing; else ENOTSUP ({@link UnsupportedOperationException}). */
        FAST
    }

    /** The allocation context: {@link Extent.Kind} as found. */
    String ALLOCATION = "base:allocation";

    /** Returns whether writes are refused (EPERM). */
    boolean readOnly();

    /** Reads exactly {@code into.remaining()} bytes at {@code offset}. */
    void read(long offset, ByteBuffer into) throws IOException;

    /** Reads every piece into its part of the buffer, whose position and limit stay. */
    default void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
        for (int i = 0; i < pieces.count(); i++) {
            read(pieces.offset(i), into.slice(pieces.position(i), pieces.length(i)));
        }
    }

    /** Returns whether {@link #readAll} has many reads under way at a time, so that a few threads suffice. */
    default boolean readsTogether() {
        return false;
    }

    /** Writes every piece from its part of the buffer, whose position and limit stay. */
    default void writeAll(final Pieces pieces, final ByteBuffer from) throws IOException {
        for (int i = 0; i < pieces.count(); i++) {
            write(pieces.offset(i), from.slice(pieces.position(i), pieces.length(i)), Set.of());
        }
    }

    /** Writes all remaining bytes of {@code from} at {@code offset}. Flags: FUA. */
    void write(long offset, ByteBuffer from, Set<Flag> flags) throws IOException;

    /** Makes a range read as zero. Flags: FUA, NO_HOLE, FAST. */
    void zero(long offset, long length, Set<Flag> flags) throws IOException;

    /** Says that a range's content does not matter any more. Flags: FUA. */
    void trim(long offset, long length, Set<Flag> flags) throws IOException;

    /** Makes every completed write durable. A failure is final for the volume. */
    void flush() throws IOException;

    /** Asks for a range to be read into memory soon; may do nothing. */
    default void cache(final long offset, final long length) throws IOException {}

    /**
     * Returns what is known of a range in a context, in order, contiguous from {@code offset}, and covering at least its
     * first bytes (at most {@code limit} extents).
     */
    List<Extent> extents(long offset, long length, int limit) throws IOException;

    /** Returns the file range behind an extent, for sendfile and splice; empty when bytes must pass through memory. */
    default Optional<FileSlice> slice(final long offset, final long length) {
        return Optional.empty();
    }
}
