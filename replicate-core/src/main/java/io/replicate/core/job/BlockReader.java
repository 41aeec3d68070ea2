package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Reads the pieces of a feed, and learns what is in them. Safe for use by any thread. */
final class BlockReader implements Pipeline.Reader<Extent> {
    private final Source<Extent> source;
    private final ExtentFeed feed;
    private final DoneSet done;
    private final BlockPool pool;
    private final Pacing pacing;
    private final boolean sparse;

    /** @param sparse whether all-zero data is passed on as a hole. */
    BlockReader(
            final Source<Extent> source,
            final ExtentFeed feed,
            final DoneSet done,
            final BlockPool pool,
            final Pacing pacing,
            final boolean sparse) {
        this.source = source;
        this.feed = feed;
        this.done = done;
        this.pool = pool;
        this.pacing = pacing;
        this.sparse = sparse;
    }

    @Override
    public @Nullable Parcel<Extent> read() throws IOException {
        final Extent extent = feed.next();
        if (extent == null) {
            return null;
        }
        if (!extent.hasData()) {
            done.learned(extent.offset(), extent.length(), 0, true);
            return new Parcel<>(extent, null);
        }
        pacing.acquire(extent.length());
        final Block block = pool.take();
        boolean passedOn = false;
        try {
            final int length = source.geometry().sequential()
                    ? source.read(extent, block)
                    : pacing.retry(() -> source.read(extent, block));
            if (length < extent.length() && source.geometry().sized()) {
                throw ReplicationException.fail(
                        "the source ended at offset " + (extent.offset() + Math.max(0, length)) + ", expected "
                                + source.geometry().sizeBytes() + " bytes: it shrank",
                        null);
            }
            if (length < extent.length()) {
                feed.end();
            }
            if (length <= 0) {
                done.drop(extent.offset());
                return null;
            }
            final Parcel<Extent> parcel = parcel(extent.part(0, length), block);
            passedOn = parcel.block() != null;
            return parcel;
        } finally {
            if (!passedOn) {
                block.release();
            }
        }
    }

    private Parcel<Extent> parcel(final Extent extent, final Block block) {
        final ByteBuffer bytes = block.bytes();
        if (Zeros.isZero(bytes)) {
            done.learned(extent.offset(), extent.length(), 0, true);
            return sparse
                    ? new Parcel<>(Extent.hole(extent.offset(), extent.length()), null)
                    : new Parcel<>(extent, block);
        }
        final CRC32C crc = new CRC32C();
        crc.update(bytes);
        done.learned(extent.offset(), extent.length(), (int) crc.getValue(), false);
        return new Parcel<>(extent, block);
    }
}
