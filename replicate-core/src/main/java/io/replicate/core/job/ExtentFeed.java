package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Hands out the pieces of a plan that are not done: data by blocks that end at multiples of the block size, zeros and
 * holes by long runs. Safe for use by any thread.
 */
final class ExtentFeed {
    /** Zeros are cheap, but a sequential sink writes them: often enough to look at the cancellation. */
    private static final long MAX_ZEROS_BYTES = 1L << 30;

    private final Plan<Extent> plan;
    private final int blockBytes;
    private final DoneSet done;
    private final Cancellation cancellation;
    private @Nullable Extent current;
    private long at;
    private boolean ended;

    ExtentFeed(final Plan<Extent> plan, final int blockBytes, final DoneSet done, final Cancellation cancellation) {
        this.plan = plan;
        this.blockBytes = blockBytes;
        this.done = done;
        this.cancellation = cancellation;
    }

    /** Returns the next piece, noted as begun in the done-set, or null behind the last. */
    synchronized @Nullable Extent next() throws IOException {
        cancellation.check();
        while (!ended) {
            if (current == null) {
                current = plan.next();
                if (current == null) {
                    ended = true;
                    return null;
                }
                at = current.offset();
            }
            at = done.firstMissing(at);
            if (at < current.end()) {
                final Extent piece = cut(current);
                at = piece.end();
                done.begin(piece, cancellation);
                return piece;
            }
            current = null;
        }
        return null;
    }

    private Extent cut(final Extent extent) {
        final long longest = extent.hasData() ? blockBytes - at % blockBytes : MAX_ZEROS_BYTES;
        final long end = Math.min(extent.end(), at + Math.min(longest, extent.end() - at));
        return new Extent(at, done.nextDone(at, end) - at, extent.kind());
    }

    /** Says that the source has ended: nothing more is handed out. */
    synchronized void end() {
        ended = true;
    }
}
