package io.replicate.core.job;

import io.replicate.core.spi.Selection;
import java.time.Duration;

/**
 * How a copy is done.
 *
 * @param selection of units.
 * @param workers that read, and as many that write.
 * @param memoryBytes for all blocks together.
 * @param sparse whether all-zero data is written as a hole.
 * @param verify whether the target is read back.
 * @param copies of each content.
 * @param force as in {@link io.replicate.core.spi.Target#force()}.
 * @param continueOnError whether a failed content only counts as failed.
 * @param skipPresent whether contents that the target has are left alone.
 * @param retryBudget for all waits between attempts.
 * @param checkpointBytes after which progress is made durable.
 * @param checkpointInterval after which progress is made durable.
 */
record CopyOptions(
        Selection selection,
        int workers,
        long memoryBytes,
        boolean sparse,
        boolean verify,
        int copies,
        boolean force,
        boolean continueOnError,
        boolean skipPresent,
        Duration retryBudget,
        long checkpointBytes,
        Duration checkpointInterval) {}
