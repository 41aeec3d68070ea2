package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.SplittableRandom;

/**
 * Whether a target that cannot say who wrote it still holds what a checkpoint remembers: another volume under the same name,
 * or one that was made anew, differs at nearly every place where there is data. Up to 64 MiB of data are compared whole; of
 * more, a sample: a target that differs in one part of 200 (an older state of the same disk) is taken for the right one once in
 * 170 times, and only the verification of the copy finds what differs in less. Used once.
 */
final class SpotCheck {
    private static final int PLACES = 1024;
    private static final int PLACE_BYTES = 64 << 10;

    private final Source<Extent> source;
    private final Source<Extent> target;
    private final Environment job;
    private final int placeBytes;
    private final SplittableRandom random = new SplittableRandom();

    SpotCheck(final Source<Extent> source, final Source<Extent> target, final Environment job, final BlockSize blocks) {
        this.source = source;
        this.target = target;
        this.job = job;
        this.placeBytes = Math.max(blocks.alignment(), Math.min(blocks.bytes(), PLACE_BYTES));
    }

    /** Opens the plan of the copy from its beginning. */
    interface Plans {
        Plan<Extent> open() throws IOException;
    }

    /**
     * Compares places all over the data that was copied.
     *
     * @return false when one differs, and when there is no data to tell by.
     */
    boolean agrees(final Plans plans, final DoneSet done) throws IOException {
        final long dataBytes = walk(plans, done, Long.MAX_VALUE, Long.MAX_VALUE);
        if (dataBytes <= 0) {
            return false;
        }
        // not less than a place, or the same one would be read again and again; less data than that is one place
        final long stride = Math.min(dataBytes, Math.max(placeBytes, dataBytes / PLACES));
        return walk(plans, done, random.nextLong(stride), stride) >= 0;
    }

    /**
     * Compares a place every {@code stride} bytes of done data from {@code first} on.
     *
     * @return the bytes of done data, or -1 when a place differs.
     */
    private long walk(final Plans plans, final DoneSet done, final long first, final long stride) throws IOException {
        final Block ours = Block.unpooled(placeBytes);
        final Block theirs = Block.unpooled(placeBytes);
        long dataBytes = 0;
        long next = first;
        try (Plan<Extent> plan = plans.open()) {
            for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
                job.cancellation().check();
                for (long at = extent.offset(); extent.hasData() && at < extent.end(); ) {
                    final long end = Math.min(done.firstMissing(at), extent.end());
                    for (; next < dataBytes + end - at; next += stride) {
                        if (!isSame(place(at + next - dataBytes, at, end), ours, theirs)) {
                            return -1;
                        }
                    }
                    dataBytes += end - at;
                    at = done.nextDone(end, extent.end());
                }
            }
            return dataBytes;
        } finally {
            ours.release();
            theirs.release();
        }
    }

    private Extent place(final long at, final long begin, final long end) {
        final long offset = Math.max(begin, at & -placeBytes);
        return Extent.data(offset, Math.min(end - offset, placeBytes - offset % placeBytes));
    }

    private boolean isSame(final Extent place, final Block ours, final Block theirs) throws IOException {
        source.read(place, ours);
        target.read(place, theirs);
        return ours.bytes().equals(theirs.bytes());
    }
}
