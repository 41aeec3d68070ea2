package io.replicate.core.contract;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Source;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Small images for tests, and plain ways to read and write them. */
public final class Images {
    private static final int RUN_BYTES = 64 << 10;
    private static final int BLOCK_BYTES = 128 << 10;

    private Images() {}

    /** Returns bytes of which about half are runs of zeros, of 64 KiB each; the last bytes are not zero. */
    public static byte[] sparse(final int sizeBytes, final Random random) {
        final byte[] image = new byte[sizeBytes];
        for (int at = 0; at < sizeBytes; at += RUN_BYTES) {
            if (random.nextBoolean() || at + RUN_BYTES >= sizeBytes) {
                final byte[] run = new byte[Math.min(RUN_BYTES, sizeBytes - at)];
                random.nextBytes(run);
                run[run.length - 1] |= 1;
                System.arraycopy(run, 0, image, at, run.length);
            }
        }
        return image;
    }

    /** Returns the extents of an image: runs of zeros as {@code zeros}, the rest in pieces of 64 KiB of data. */
    public static List<Extent> extents(final byte[] image, final Extent.Kind zeros) {
        final List<Extent> extents = new ArrayList<>();
        for (int at = 0; at < image.length; at += RUN_BYTES) {
            final int length = Math.min(RUN_BYTES, image.length - at);
            extents.add(new Extent(at, length, isZero(image, at, length) ? zeros : Extent.Kind.DATA));
        }
        return extents;
    }

    /** Returns whether a range of an image is all zeros. */
    public static boolean isZero(final byte[] image, final int offset, final int length) {
        return Arrays.equals(image, offset, offset + length, new byte[length], 0, length);
    }

    /** Returns a block that holds a range of an image; the caller releases it. */
    public static Block block(final BlockPool pool, final byte[] image, final Extent range) throws IOException {
        final Block block = pool.take();
        block.space().put(image, Math.toIntExact(range.offset()), Math.toIntExact(range.length()));
        block.length(Math.toIntExact(range.length()));
        return block;
    }

    /** Writes one extent of an image. */
    public static void write(
            final Session<Extent> session, final BlockPool pool, final byte[] image, final Extent extent)
            throws IOException {
        if (!extent.hasData()) {
            session.write(extent, null);
            return;
        }
        final Block block = block(pool, image, extent);
        try {
            session.write(extent, block);
        } finally {
            block.release();
        }
    }

    /** Returns everything that a source shows, read as its plan says, with zeros for what the plan calls zero. */
    public static byte[] readAll(final Source<Extent> source) throws IOException {
        final ByteArrayOutputStream all = new ByteArrayOutputStream();
        try (BlockPool pool = new BlockPool(BLOCK_BYTES, 1);
                Plan<Extent> plan = source.plan(Selection.ALL)) {
            for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
                if (!extent.hasData()) {
                    all.writeBytes(new byte[Math.toIntExact(extent.length())]);
                    continue;
                }
                if (!readData(source, extent, pool, all)) {
                    break;
                }
            }
        }
        return all.toByteArray();
    }

    private static boolean readData(
            final Source<Extent> source, final Extent extent, final BlockPool pool, final ByteArrayOutputStream all)
            throws IOException {
        for (long done = 0; done < extent.length(); ) {
            final Block block = pool.take();
            try {
                final long wanted = Math.min(block.capacity(), extent.length() - done);
                final int got = source.read(extent.part(done, wanted), block);
                final byte[] bytes = new byte[Math.max(got, 0)];
                block.bytes().get(bytes);
                all.writeBytes(bytes);
                if (got < wanted) {
                    return false; // the end of a stream
                }
                done += got;
            } finally {
                block.release();
            }
        }
        return true;
    }
}
