package io.replicate.cas.copy;

import io.replicate.core.job.FailedUnit;
import java.time.Duration;
import java.util.List;

/**
 * What a copy did.
 *
 * @param counts of the comparison.
 * @param copied contents that were written for the first time.
 * @param toppedUp contents that got copies more.
 * @param bytes that were read.
 * @param copiesWritten over all contents.
 * @param misplaced contents of which a copy went somewhere else than where it belongs, as a server was away.
 * @param failed contents, the first 10,000.
 * @param failedCount of all.
 * @param elapsed from the first index to the last block.
 */
public record CopySummary(
        CopyListener.Counts counts,
        long copied,
        long toppedUp,
        long bytes,
        long copiesWritten,
        long misplaced,
        List<FailedUnit> failed,
        long failedCount,
        Duration elapsed) {

    public CopySummary {
        failed = List.copyOf(failed);
    }
}
