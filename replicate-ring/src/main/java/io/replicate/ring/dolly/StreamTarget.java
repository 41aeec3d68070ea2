package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Fd;
import java.io.IOException;
import java.util.Optional;

/** What a client makes of the stream. Used by one thread; nothing is under its final name before {@link #commit()}. */
interface StreamTarget extends AutoCloseable {
    /** Stores the next bytes of the stream; borrows the block. */
    void write(long offset, Block block) throws IOException;

    /** Returns the file to which the kernel had better move the bytes itself, at the offsets of the stream. */
    default Optional<Fd> spliceTarget() {
        return Optional.empty();
    }

    /** Takes note of bytes that were put to the {@link #spliceTarget()}. */
    default void spliced(final long offset, final int length) throws IOException {
        throw new IllegalStateException("nothing can be put here");
    }

    /** Stores a piece of zeros. */
    default void zeros(final Piece piece) throws IOException {
        if (piece.block() != null) {
            write(piece.offset(), piece.block());
            return;
        }
        final Block block = Block.unpooled(piece.length());
        try {
            block.space().put(piece.bytes());
            block.length(piece.length());
            write(piece.offset(), block);
        } finally {
            block.release();
        }
    }

    /**
     * Reads again what was stored, into the beginning of {@code into}, whose length says how much.
     *
     * @return false where that is not possible.
     */
    default boolean readBack(final long offset, final Block into) throws IOException {
        return false;
    }

    /** Makes everything durable, under its final name. */
    void commit() throws IOException;

    /** Without a commit: leaves nothing behind, where that is possible. */
    @Override
    void close() throws IOException;
}
