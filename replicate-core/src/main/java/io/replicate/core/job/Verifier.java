package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.List;

/** Reads a committed target back, through a source of its own, and compares digests. Used once. */
final class Verifier {
    private final Source<Extent> source;
    private final Source<Extent> target;
    private final Environment job;
    private long endBytes;

    Verifier(final Source<Extent> source, final Source<Extent> target, final Environment job) {
        this.source = source;
        this.target = target;
        this.job = job;
        this.endBytes = target.geometry().sizeBytes();
    }

    /**
     * Returns when the target has the digest.
     *
     * @throws ReplicationException CORRUPT when it has another, with the first offset that differs.
     */
    void verify(final Digest expected) throws IOException {
        final long sizeBytes = target.geometry().sizeBytes();
        final boolean all = job.options().selection() instanceof Selection.All;
        if (target.geometry().sized() && sizeBytes < expected.lengthBytes()) {
            throw ReplicationException.corrupt(
                    "the target ends at offset " + sizeBytes + " of " + expected.lengthBytes() + ": it is not a copy");
        }
        if (expected.lengthBytes() == 0) {
            return;
        }
        // A device may be larger than what was copied to it.
        final Selection selection = all && sizeBytes > expected.lengthBytes()
                ? new Selection.Ranges(List.of(Extent.data(0, expected.lengthBytes())))
                : job.options().selection();
        final BlockSize blocks = BlockSize.of(source.geometry(), target.geometry());
        job.meter().expect(expected.lengthBytes(), Unit.UNKNOWN);
        if (all) {
            endBytes = expected.lengthBytes(); // of a device that is larger: the copy may end inside one of its blocks
        }
        final Digest found = digest(selection, blocks);
        if (!found.equals(expected)) {
            throw ReplicationException.corrupt("the target differs from the source " + place(selection, blocks)
                    + ": digest " + found.hex() + ", expected " + expected.hex());
        }
    }

    private Plan<Extent> plan(final Selection selection, final BlockSize blocks) throws IOException {
        return new AlignedPlan(target.plan(selection), blocks.alignment(), endBytes);
    }

    private Digest digest(final Selection selection, final BlockSize blocks) throws IOException {
        final Pacing pacing = new Pacing(job);
        final DoneSet done = new DoneSet();
        final int readers = target.geometry().sequential() ? 1 : job.options().workers();
        final int blockCount = blocks.count(job.options().memoryBytes(), readers, 1);
        try (Plan<Extent> plan = plan(selection, blocks);
                BlockPool pool = new BlockPool(blocks.bytes(), blockCount)) {
            final ExtentFeed feed = new ExtentFeed(plan, blocks.bytes(), done, pacing.stop());
            final Pipeline<Extent> pipeline = new Pipeline<>(
                    job.name() + "-verify",
                    () -> pacing.stop(pool::close),
                    readers,
                    new BlockReader(target, feed, done, pool, pacing, true),
                    1,
                    parcel -> {
                        done.done(parcel.unit().offset());
                        job.meter().verified(parcel.unit().length());
                    },
                    blockCount);
            pipeline.run(job.cancellation(), () -> {});
            assert pool.lent() == 0 : "blocks that nobody gave back";
            pipeline.check();
            return done.finish();
        }
    }

    /** Says where the two differ, as far as that can be found out: it changes nothing about the finding. */
    private String place(final Selection selection, final BlockSize blocks) throws ReplicationException {
        if (source.geometry().sequential()) {
            return "(somewhere: the source cannot be read again)";
        }
        try {
            return compare(selection, blocks);
        } catch (final IOException e) {
            job.cancellation().check();
            return "(somewhere: they cannot be compared again: " + e.getMessage() + ")";
        }
    }

    /** Compares the two byte by byte. */
    private String compare(final Selection selection, final BlockSize blocks) throws IOException {
        final Block ours = Block.unpooled(blocks.bytes());
        final Block theirs = Block.unpooled(blocks.bytes());
        try (Plan<Extent> plan = plan(selection, blocks)) {
            final DoneSet handedOut = new DoneSet();
            final ExtentFeed feed = new ExtentFeed(plan, blocks.bytes(), handedOut, job.cancellation());
            for (Extent piece = feed.next(); piece != null; piece = feed.next()) {
                for (long at = piece.offset(); at < piece.end(); at += blocks.bytes()) {
                    final Extent block = Extent.data(at, Math.min(blocks.bytes(), piece.end() - at));
                    source.read(block, ours);
                    target.read(block, theirs);
                    final int mismatch = ours.bytes().mismatch(theirs.bytes());
                    if (mismatch >= 0) {
                        return "from offset " + (at + mismatch);
                    }
                }
                handedOut.drop(piece.offset());
            }
            return "(nowhere now: one of the two is changing, or does not read the same twice)";
        } finally {
            ours.release();
            theirs.release();
        }
    }
}
