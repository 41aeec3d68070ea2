package io.replicate.core.spi;

/**
 * Somebody else writes or serves the target now. For a command it is MISUSE, as waiting is for the user to decide; who
 * waits anyway, such as the server of a ring for its nodes, may ask again.
 */
public final class TargetBusyException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    /** Creates one; the message names the target. */
    public TargetBusyException(final String message) {
        super(Category.MISUSE, message);
    }
}
