package io.replicate.ring.dolly;

import java.io.IOException;

/** What has passed already, to be sent again to who comes to a node because its parent has died. Thread-safe. */
@FunctionalInterface
interface History {
    /**
     * Returns the piece that begins at {@code offset} and ends at {@code limit} at the latest; the caller owns it. Waits
     * for what is on its way to the store.
     *
     * @throws io.replicate.core.spi.ReplicationException FAIL_JOB when it is gone, or cannot be read again.
     */
    Piece piece(long offset, long limit) throws IOException;
}
