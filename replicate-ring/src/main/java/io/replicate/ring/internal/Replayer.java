package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Makes frames of what a source (or a store, read back) has at a position. Safe for use by several threads. */
final class Replayer {
    private final Source<Extent> source;
    private final BlockPool pool;
    private final int frameBytes;

    /**
     * Creates a replayer.
     *
     * @param pool of blocks of at least {@code frameBytes}.
     * @param frameBytes a power of two: no data frame crosses a multiple of it.
     */
    Replayer(final Source<Extent> source, final BlockPool pool, final int frameBytes) {
        this.source = source;
        this.pool = pool;
        this.frameBytes = frameBytes;
    }

    /** Returns the frame that begins at {@code position} and ends at {@code limit} or before. The caller owns it. */
    Frame read(final long position, final long limit) throws IOException {
        final Extent wanted = Extent.data(position, limit - position);
        try (Plan<Extent> plan = source.plan(new Selection.Ranges(List.of(wanted)))) {
            final @Nullable Extent found = plan.next();
            if (found == null || found.offset() > position) {
                throw ReplicationException.fail("nothing is stored at offset=" + position, null);
            }
            final Extent here = found.part(position - found.offset(), Math.min(found.end(), limit) - position);
            return here.hasData() ? data(here) : Frame.empty(FrameMaker.typeOf(here), position, here.length());
        }
    }

    private Frame data(final Extent extent) throws IOException {
        final long boundary = (extent.offset() / frameBytes + 1) * frameBytes;
        final Extent part = extent.part(0, Math.min(extent.end(), boundary) - extent.offset());
        final Block block = pool.take();
        try {
            final int read = source.read(part, block);
            if (read != part.length()) {
                throw ReplicationException.fail(
                        "read of offset=" + part.offset() + " length=" + part.length() + " ended after " + read, null);
            }
            return FrameMaker.of(part.offset(), block, new CRC32C());
        } catch (final IOException | RuntimeException e) {
            block.release();
            throw e;
        }
    }
}
