package io.replicate.delta.apply;

import io.replicate.core.posix.Pieces;
import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The image that deltas change: a file, a device, a volume behind a locator. Used by one thread. */
public interface TargetImage extends RandomBytes, AutoCloseable {

    /** Writes all remaining bytes at {@code offset}; durable only after {@link #flush()}. */
    void write(long offset, ByteBuffer from) throws IOException;

    /** As {@link #write}, of every piece from its part of the buffer, whose position and limit stay. */
    default void writeAll(final Pieces pieces, final ByteBuffer from) throws IOException {
        for (int i = 0; i < pieces.count(); i++) {
            write(pieces.offset(i), from.slice(pieces.position(i), pieces.length(i)));
        }
    }

    /** When this returns, every write before is durable. A failure is final. */
    void flush() throws IOException;

    @Override
    void close() throws IOException;
}
