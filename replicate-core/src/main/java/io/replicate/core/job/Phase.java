package io.replicate.core.job;

/** Where a job stands. */
public enum Phase {
    /** Ends are opened and checked; nothing has been written. */
    PREPARING,
    /** Units are carried. */
    COPYING,
    /** Everything is written; it is made durable and visible. */
    COMMITTING,
    /** The target is read back. */
    VERIFYING,
    /** The copy is complete. */
    DONE,
    /** Somebody stopped it; its checkpoint, if it has one, is kept. */
    CANCELLED,
    /** It ended with a failure. */
    FAILED;

    /** Returns whether nothing follows. */
    public boolean isFinal() {
        return this == DONE || this == CANCELLED || this == FAILED;
    }
}
