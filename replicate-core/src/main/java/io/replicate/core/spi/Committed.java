package io.replicate.core.spi;

/** The promise that a commit kept. */
public enum Committed {
    /** A reader saw the old content until the commit, and sees the new one after it; a crash leaves one or the other. */
    ATOMIC,
    /** The target was changed as the writes came in; a crash before the commit leaves a mixture. */
    IN_PLACE
}
