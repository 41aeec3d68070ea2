package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;

/** The store is one, but its snapshot overflowed or failed: there is no way back to its changes. */
public final class InvalidatedException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    private final String header;

    InvalidatedException(final String message, final String header) {
        super(Category.CORRUPT, message);
        this.header = header;
    }

    /** Returns what the header says, in the words of dds. One item per line, no line end behind the last. */
    public String header() {
        return header;
    }
}
