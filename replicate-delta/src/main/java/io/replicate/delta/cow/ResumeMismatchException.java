package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;

/** What the receiver has is of another stream: it must be sent from the beginning. */
public final class ResumeMismatchException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    ResumeMismatchException(final String message) {
        super(Category.MISUSE, message);
    }
}
