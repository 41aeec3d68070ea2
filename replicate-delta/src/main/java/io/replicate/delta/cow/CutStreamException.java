package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;

/** A stream ended before its end: what was received so far may be gone on with. */
public final class CutStreamException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    CutStreamException(final String message) {
        super(Category.CORRUPT, message);
    }
}
