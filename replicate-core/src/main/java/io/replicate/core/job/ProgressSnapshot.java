package io.replicate.core.job;

import io.replicate.core.spi.Unit;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How far a job is.
 *
 * @param phase it stands in.
 * @param bytes dealt with so far: carried, skipped as zeros, or already there from an earlier run; of the volume, or of
 *     the contents. While verifying: read back.
 * @param totalBytes there are to deal with, or {@link Unit#UNKNOWN}.
 * @param carriedBytes of data that this run has moved.
 * @param durableBytes that the checkpoint remembers: a job that is killed now goes on from there.
 * @param rateBytesPerSecond at which data moved over the last few seconds.
 * @param eta what is left at that rate, or null when nobody can tell.
 * @param elapsed since the start.
 */
public record ProgressSnapshot(
        Phase phase,
        long bytes,
        long totalBytes,
        long carriedBytes,
        long durableBytes,
        long rateBytesPerSecond,
        @Nullable Duration eta,
        Duration elapsed) {

    /** Returns the part that is done, 0 to 1, or NaN when the total is not known. */
    public double fraction() {
        if (totalBytes == Unit.UNKNOWN) {
            return Double.NaN;
        }
        return totalBytes == 0 ? 1 : Math.min(1, (double) bytes / totalBytes);
    }
}
