package io.replicate.cas.keep;

import io.replicate.core.spi.ReplicationException;
import org.jspecify.annotations.Nullable;

/** A failure of Keep servers that says what it was, so that a copy can tell one bad block from a wrong key. */
public final class KeepException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    /** What it was. */
    public enum Kind {
        /** No server has the block. */
        NOT_FOUND,
        /** Every server refused the signature or the token. */
        REFUSED,
        /** The servers were away, busy or broken. */
        UNAVAILABLE,
        /** The stored data is not what its name says. */
        DAMAGED,
        /** Fewer copies than wanted could be stored. */
        TOO_FEW_COPIES
    }

    private final Kind kind;

    KeepException(final Kind kind, final Category category, final String message, final @Nullable Throwable cause) {
        super(category, message, cause);
        this.kind = kind;
    }

    /** Returns what it was. */
    public Kind kind() {
        return kind;
    }

    /** Returns whether the failure, or what caused it, is of the kind. */
    public static boolean is(final Throwable failure, final Kind kind) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof KeepException e) {
                return e.kind == kind;
            }
        }
        return false;
    }
}
