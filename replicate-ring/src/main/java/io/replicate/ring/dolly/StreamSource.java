package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.IOException;

/** What a server sends: bytes in order, whose end is only known when it is reached. Used by one thread. */
interface StreamSource extends AutoCloseable {
    /**
     * Fills the block as far as the source goes and sets its length.
     *
     * @return false when there is nothing more; then the source is whole.
     * @throws IOException also when the source ended early: what was read is not all of it.
     */
    boolean read(Block into) throws IOException;

    @Override
    void close() throws IOException;
}
