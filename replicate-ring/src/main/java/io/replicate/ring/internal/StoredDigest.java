package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Computes the digest of a store by reading it. */
final class StoredDigest {
    /** Hears how far the reading has come, before each block; what it throws ends the reading. */
    interface Watch {
        void at(long offset, long sizeBytes) throws IOException;
    }

    private StoredDigest() {}

    /** Returns the digest, in hexadecimal, of the first {@code size} bytes. */
    static String of(final @Nullable Source<Extent> source, final long size, final BlockPool pool, final Watch watch)
            throws IOException {
        if (source == null) {
            throw ReplicationException.misuse("this target cannot be read back: use --verify stream");
        }
        return read(source, size, pool, watch).finish().hex();
    }

    /** Returns the digest so far of the first {@code size} bytes. */
    static ExtentDigest read(final Source<Extent> source, final long size, final BlockPool pool, final Watch watch)
            throws IOException {
        final ExtentDigest digest = new ExtentDigest();
        if (size == 0) {
            return digest;
        }
        final Selection whole = new Selection.Ranges(List.of(Extent.data(0, size)));
        final Block block = pool.take();
        try (Plan<Extent> plan = source.plan(whole)) {
            for (@Nullable Extent extent = plan.next(); extent != null; extent = plan.next()) {
                if (extent.hasData()) {
                    read(source, extent, block, digest, watch, size);
                } else {
                    digest.zeros(extent.offset(), extent.length());
                }
            }
        } finally {
            block.release();
        }
        return digest;
    }

    private static void read(
            final Source<Extent> source,
            final Extent extent,
            final Block block,
            final ExtentDigest digest,
            final Watch watch,
            final long size)
            throws IOException {
        long offset = extent.offset();
        while (offset < extent.end()) {
            watch.at(offset, size);
            final long length = Math.min(block.capacity() - offset % block.capacity(), extent.end() - offset);
            final int read = source.read(Extent.data(offset, length), block);
            if (read != length) {
                throw ReplicationException.corrupt("what was stored ends at offset=" + (offset + Math.max(0, read))
                        + ", expected " + extent.end());
            }
            digest.data(offset, block.bytes());
            offset += length;
        }
    }
}
