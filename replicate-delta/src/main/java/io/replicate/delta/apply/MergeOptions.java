package io.replicate.delta.apply;

import io.replicate.core.spi.Cancellation;

/**
 * How a delta is merged.
 *
 * @param lenient whether a bare stream may end behind a full area.
 * @param anyBase whether a delta of another base is let through.
 * @param undoGenerations how many generations can be gone back to, 0 for none.
 * @param reflink whether a file is changed through a reflink clone where that works.
 * @param dryRun whether nothing is changed, and the stream only checked.
 * @param cancellation is looked at while it runs.
 */
public record MergeOptions(
        boolean lenient,
        boolean anyBase,
        int undoGenerations,
        boolean reflink,
        boolean dryRun,
        Cancellation cancellation) {
    /** Strict, no undo, clone where possible. */
    public static final MergeOptions DEFAULT = new MergeOptions(false, false, 0, true, false, new Cancellation());

    public MergeOptions {
        if (undoGenerations < 0) {
            throw new IllegalArgumentException("undo of " + undoGenerations + " generations");
        }
    }

    /** Returns these options with {@code count} generations to go back to. */
    public MergeOptions undo(final int count) {
        return new MergeOptions(lenient, anyBase, count, reflink, dryRun, cancellation);
    }
}
