package io.replicate.delta.sync;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;

/** The list of what changed cannot be read: the snapshot overflowed, or its device is gone. Hashes tell as well. */
final class UnreadableStoreException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    UnreadableStoreException(final IOException cause) {
        super(Category.CORRUPT, String.valueOf(cause.getMessage()), cause);
    }
}
