package io.replicate.core.job;

import io.replicate.core.block.BlockPool;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies places. The thread that calls {@link #run()} opens the session, makes progress durable from time to time, and
 * commits; reading and writing is done by the {@link Pipeline}. Used once.
 */
final class ExtentCopy {
    private static final Logger LOG = LoggerFactory.getLogger(ExtentCopy.class);

    private final Source<Extent> source;
    private final Sink<Extent> sink;
    private final Environment job;
    private final @Nullable CopyCheckpoint checkpoint;
    private final boolean readBack;
    private final BlockSize blocks;
    private final Revision revision;
    private final Pacing pacing;
    private final LongAdder units = new LongAdder();
    private final LongAdder carriedBytes = new LongAdder();
    private final LongAdder zeroBytes = new LongAdder();

    /**
     * Creates a copy.
     *
     * @param revision of the source, before anything was read.
     * @param checkpoint that remembers the copy, or null.
     * @param readBack whether to compare what the session reads back after the commit.
     */
    ExtentCopy(
            final Source<Extent> source,
            final Revision revision,
            final Sink<Extent> sink,
            final Environment job,
            final @Nullable CopyCheckpoint checkpoint,
            final boolean readBack)
            throws IOException {
        this.source = source;
        this.revision = revision;
        this.sink = sink;
        this.job = job;
        this.checkpoint = checkpoint;
        this.readBack = readBack;
        this.blocks = BlockSize.of(source.geometry(), sink.geometry());
        this.pacing = new Pacing(job);
    }

    /** Copies and commits. */
    Result run() throws IOException {
        final long startNs = job.clock().nanoTime();
        final long dataBytes = dataBytes();
        try (Plan<Extent> plan = plan();
                Session<Extent> session = begin(dataBytes)) {
            final Source<Extent> proof = readBack ? proof(session) : null;
            final DoneSet done = trusted(session);
            final long resumedBytes = done.doneBytes();
            job.meter().expect(plan.totalBytes(), resumedBytes == 0 ? dataBytes : Unit.UNKNOWN);
            job.meter().add(resumedBytes, 0);
            job.meter().durable(resumedBytes);
            job.meter().phase(Phase.COPYING);
            carry(plan, session, done);

            job.meter().phase(Phase.COMMITTING);
            requireUnchanged();
            final Digest digest = done.finish();
            final Committed committed = session.commit(revision);
            job.meter().durable(digest.lengthBytes());
            if (checkpoint != null) {
                checkpoint.forget();
            }
            if (proof != null) {
                job.meter().phase(Phase.VERIFYING);
                new Verifier(source, proof, job).verify(digest);
            }
            return new Result(
                    digest.lengthBytes(),
                    carriedBytes.sum(),
                    zeroBytes.sum(),
                    resumedBytes,
                    units.sum(),
                    digest,
                    proof != null,
                    committed,
                    List.of(),
                    0,
                    Duration.ofNanos(job.clock().nanoTime() - startNs));
        }
    }

    private static Source<Extent> proof(final Session<Extent> session) throws IOException {
        return session.readBack()
                .orElseThrow(() ->
                        ReplicationException.misuse("the target cannot be read back: leave the verification out"));
    }

    private Plan<Extent> plan() throws IOException {
        final Plan<Extent> found = source.plan(job.options().selection());
        final Plan<Extent> plan = job.options().sparse() ? found : new DensePlan(found);
        return blocks.alignment() == 1
                ? plan
                : new AlignedPlan(plan, blocks.alignment(), source.geometry().sizeBytes());
    }

    /** Returns how much of the plan is data: what the target needs room for, and what takes the time. */
    private long dataBytes() throws IOException {
        if (source.geometry().sequential()) {
            return Unit.UNKNOWN;
        }
        long bytes = 0;
        try (Plan<Extent> plan = plan()) {
            for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
                job.cancellation().check();
                bytes += extent.hasData() ? extent.length() : 0;
            }
        }
        return bytes;
    }

    private Session<Extent> begin(final long dataBytes) throws IOException {
        final Geometry from = source.geometry();
        final Target target = new Target(
                from.sizeBytes(),
                dataBytes,
                from.device(),
                null,
                1,
                checkpoint == null ? null : checkpoint.resumeKey(),
                job.options().force());
        try {
            return sink.begin(target);
        } catch (final IOException e) {
            if (checkpoint != null) {
                checkpoint.forgetIfNothingIsDone(e);
            }
            throw e;
        }
    }

    private DoneSet trusted(final Session<Extent> session) throws IOException {
        if (checkpoint == null) {
            return new DoneSet();
        }
        if (!session.resumed() && checkpoint.done().doneBytes() > 0) {
            LOG.warn("the target has nothing of what the checkpoint remembers: starting over");
            checkpoint.distrust();
        }
        return checkpoint.done();
    }

    /** A copy that mixes two states of its source must not get the target's name. */
    private void requireUnchanged() throws IOException {
        final Revision now = source.revision();
        if (now.equals(revision)) {
            return;
        }
        final String what = "the source changed while it was copied (" + revision + " at the start, " + now
                + " now): the copy may mix both";
        if (!job.options().force()) {
            throw ReplicationException.fail(what + "; stop what writes to it or copy a snapshot, or force it", null);
        }
        LOG.warn("{}", what);
    }

    private void carry(final Plan<Extent> plan, final Session<Extent> session, final DoneSet done) throws IOException {
        final int workers = job.options().workers();
        final Geometry from = source.geometry();
        final boolean sequentialSink = sink.geometry().sequential();
        final int readers = from.sequential() || sequentialSink || !from.sized() ? 1 : workers;
        final int writers = sequentialSink ? 1 : workers;
        final int blockCount = blocks.count(job.options().memoryBytes(), readers, writers);
        final ExtentFeed feed = new ExtentFeed(plan, blocks.bytes(), done, pacing.stop());
        try (BlockPool pool = new BlockPool(blocks.bytes(), blockCount)) {
            final BlockReader reader = new BlockReader(
                    source, feed, done, pool, pacing, job.options().sparse());
            final Pipeline<Extent> pipeline = new Pipeline<>(
                    job.name(),
                    () -> pacing.stop(pool::close),
                    readers,
                    reader,
                    writers,
                    parcel -> write(parcel, session, done),
                    blockCount);
            final Savepoints savepoints = new Savepoints(session, done);
            pipeline.run(job.cancellation(), savepoints::look);
            assert pool.lent() == 0 : "blocks that nobody gave back";
            if (pipeline.failed()) {
                savepoints.last();
            }
            pipeline.check();
        }
    }

    private void write(final Parcel<Extent> parcel, final Session<Extent> session, final DoneSet done)
            throws IOException {
        pacing.stop().check();
        final Extent extent = parcel.unit();
        if (sink.geometry().sequential()) {
            session.write(extent, parcel.block());
        } else {
            pacing.retry(() -> session.write(extent, parcel.block()));
        }
        done.done(extent.offset());
        units.increment();
        (extent.hasData() ? carriedBytes : zeroBytes).add(extent.length());
        job.meter().add(extent.length(), extent.hasData() ? extent.length() : 0);
    }

    /** Makes progress durable from time to time, and once more when the copy ends too early. */
    private final class Savepoints {
        private final Milestone milestone = new Milestone(job.options(), job.clock());
        private final Session<Extent> session;
        private final DoneSet done;
        private boolean broken;

        Savepoints(final Session<Extent> session, final DoneSet done) {
            this.session = session;
            this.done = done;
        }

        void look() throws IOException {
            final long bytes = carriedBytes.sum();
            if (checkpoint != null && milestone.isDue(bytes)) {
                save(checkpoint);
                milestone.passed(bytes);
            }
        }

        /** The order that loses nothing: what is done is looked up, then made durable, and only then remembered. */
        private void save(final CopyCheckpoint remembering) throws IOException {
            final long bytes = done.doneBytes();
            final Map<String, byte[]> state = done.save();
            // A failed flush is final, and so is a failed commit of the checkpoint: neither is tried again.
            broken = true;
            session.flush();
            remembering.commit(state);
            broken = false;
            job.meter().durable(bytes);
        }

        void last() {
            if (checkpoint == null || broken) {
                return;
            }
            try {
                save(checkpoint);
            } catch (final IOException | RuntimeException e) {
                LOG.warn("the last progress was not made durable, the next run begins earlier: {}", e.toString());
            }
        }
    }
}
