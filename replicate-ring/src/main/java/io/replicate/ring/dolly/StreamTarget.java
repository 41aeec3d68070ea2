package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.IOException;

/** What a client makes of the stream. Used by one thread; nothing is under its final name before {@link #commit()}. */
interface StreamTarget extends AutoCloseable {
    /** Stores the next bytes of the stream; borrows the block. */
    void write(long offset, Block block) throws IOException;

    /** Makes everything durable, under its final name. */
    void commit() throws IOException;

    /** Without a commit: leaves nothing behind, where that is possible. */
    @Override
    void close() throws IOException;
}
