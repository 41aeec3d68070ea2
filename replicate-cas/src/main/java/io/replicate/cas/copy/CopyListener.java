package io.replicate.cas.copy;

import io.replicate.core.spi.Digest;

/** Hears how a copy goes on. Called by several threads, and must not block; by default it does not care. */
public interface CopyListener {
    /** The listener that does not care. */
    CopyListener NONE = new CopyListener() {};

    /** So many indexes are still to be read: called once before the first one and once after each. */
    default void indexesLeft(final int count) {}

    /** The indexes were compared; called again for each slice, with the sums so far. */
    default void compared(final Counts counts) {}

    /**
     * A content is about to be copied.
     *
     * @param number from 1, in the order of the beginnings.
     * @param total that there are to copy.
     * @param done of them.
     */
    default void copying(final long number, final long total, final long done, final Digest digest) {}

    /** A content could not be copied. */
    default void failed(final Digest digest, final String reason) {}

    /** Something that the user should know. */
    default void warning(final String text) {}

    /**
     * What the indexes came to.
     *
     * @param source different contents in the source.
     * @param destination different contents in the destination.
     * @param missing contents that the destination lacks.
     * @param missingBytes of those.
     * @param topUp contents that have fewer copies than wanted, or not where they belong, and are to be written again.
     * @param misplaced contents of the destination of which a copy is not where it belongs.
     * @param underReplicated contents of the destination that have fewer copies than wanted.
     */
    record Counts(
            long source,
            long destination,
            long missing,
            long missingBytes,
            long topUp,
            long misplaced,
            long underReplicated) {}
}
