package io.replicate.nbd.protocol;

import io.replicate.core.spi.ReplicationException;

/** The other side answered a request with an error, or an export refuses one with a value of its own. */
public final class NbdException extends ReplicationException {
    private static final long serialVersionUID = 1L;

    private final int error;

    /**
     * @param error a value of {@link NbdError}.
     * @param message what failed, where and why.
     */
    public NbdException(int error, String message) {
        super(category(error), message);
        this.error = error;
    }

    private static Category category(int error) {
        return switch (error) {
            case NbdError.ESHUTDOWN -> Category.RETRY;
            case NbdError.EPERM, NbdError.EINVAL, NbdError.EOVERFLOW -> Category.MISUSE;
            default -> Category.FAIL_JOB;
        };
    }

    /** Returns the value of {@link NbdError}. */
    public int error() {
        return error;
    }
}
