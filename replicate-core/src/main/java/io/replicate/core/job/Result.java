package io.replicate.core.job;

import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Digest;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a complete job did.
 *
 * @param bytes that the copy covers: carried, skipped as zeros, and done by earlier runs or already there.
 * @param carriedBytes of data that this run read and wrote.
 * @param skippedZeroBytes that this run did not write as data: holes, zero extents, and data that proved all zero.
 * @param resumedBytes that an earlier run had made durable, or that the target store had already.
 * @param units that this run carried or skipped.
 * @param digest of the copy, see {@link ExtentDigest}; null for a copy of contents, which have their own.
 * @param verified whether the target was read back and has that digest.
 * @param committed which promise the target kept.
 * @param failed units, never more than the first 10,000; only of a job that was told to go on.
 * @param failedCount how many units failed.
 * @param elapsed from the start to the commit; reading back comes on top.
 */
public record Result(
        long bytes,
        long carriedBytes,
        long skippedZeroBytes,
        long resumedBytes,
        long units,
        @Nullable Digest digest,
        boolean verified,
        Committed committed,
        List<FailedUnit> failed,
        long failedCount,
        Duration elapsed) {

    public Result {
        failed = List.copyOf(failed);
    }

    Result asVerified() {
        return new Result(
                bytes,
                carriedBytes,
                skippedZeroBytes,
                resumedBytes,
                units,
                digest,
                true,
                committed,
                failed,
                failedCount,
                elapsed);
    }
}
