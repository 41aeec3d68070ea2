package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import java.io.IOException;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** What a server sends: bytes in order, whose end is only known when it is reached. Used by one thread. */
interface StreamSource extends AutoCloseable {
    /**
     * Fills the block as far as the source goes, and sets its length.
     *
     * @param most how many bytes are wanted.
     * @return false when there is nothing more; then the source is whole.
     * @throws IOException also when the source ended early: what was read is not all of it.
     */
    boolean read(Block into, int most) throws IOException;

    /** Returns the next piece, for the caller to own, or null when there is nothing more; as {@link #read}. */
    default @Nullable Piece next(final BlockPool pool, final CRC32C crc, final long position) throws IOException {
        final Block block = pool.take();
        boolean kept = false;
        try {
            if (!read(block, Piece.roomAt(position))) {
                return null;
            }
            kept = true;
            return Piece.of(position, block, crc);
        } finally {
            if (!kept) {
                block.release();
            }
        }
    }

    /** Returns how to read again what was read; null where that is not possible. Any thread uses it. */
    default @Nullable History history() {
        return null;
    }

    @Override
    void close() throws IOException;
}
