package io.replicate.core.spi;

/** A request to stop, looked at between blocks. Threads inside file channels are not interrupted. Thread-safe. */
public final class Cancellation {
    private volatile boolean requested;

    /** Asks to stop. */
    public void cancel() {
        requested = true;
    }

    /** Returns whether somebody asked to stop. */
    public boolean isRequested() {
        return requested;
    }

    /**
     * Returns if nobody asked to stop.
     *
     * @throws ReplicationException CANCELLED otherwise.
     */
    public void check() throws ReplicationException {
        if (requested) {
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "stopped on request");
        }
    }
}
