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
    private final boolean provable;
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
     * @param provable whether the target must be one that can be verified through its session.
     */
    ExtentCopy(
            final Source<Extent> source,
            final Revision revision,
            final Sink<Extent> sink,
            final Environment job,
            final @Nullable CopyCheckpoint checkpoint,
            final boolean provable)
            throws IOException {
        this.source = source;
        this.revision = revision;
        this.sink = sink;
        this.job = job;
        this.checkpoint = checkpoint;
        this.provable = provable;
        this.blocks = BlockSize.of(source.geometry(), sink.geometry());
        this.pacing = new Pacing(job);
    }

    /** Copies and commits. */
    Result run() throws IOException {
        final long startNs = job.clock().nanoTime();
        boolean begun = false;
        try (Plan<Extent> plan = plan()) {
            final long dataBytes = dataBytes();
            final int blockCount = blockCount();
            try (Session<Extent> session = begin(dataBytes)) {
                begun = true;
                final DoneSet done = trusted(session);
                final long resumedBytes = done.doneBytes();
                job.meter().expect(plan.totalBytes(), resumedBytes == 0 ? dataBytes : Unit.UNKNOWN);
                job.meter().add(resumedBytes, 0);
                job.meter().durable(resumedBytes);
                job.meter().phase(Phase.COPYING);
                carry(plan, session, done, blockCount);

                job.meter().phase(Phase.COMMITTING);
                requireUnchanged();
                final Digest digest = done.finish();
                final boolean verified = job.options().verify() && verify(session, digest);
                final Committed committed = session.commit(revision);
                job.meter().durable(digest.lengthBytes());
                if (checkpoint != null) {
                    checkpoint.forget();
                }
                return new Result(
                        digest.lengthBytes(),
                        carriedBytes.sum(),
                        zeroBytes.sum(),
                        resumedBytes,
                        units.sum(),
                        digest,
                        verified,
                        committed,
                        List.of(),
                        0,
                        Duration.ofNanos(job.clock().nanoTime() - startNs));
            }
        } catch (final IOException e) {
            if (checkpoint != null && !begun) {
                checkpoint.forgetIfNothingIsDone(e);
            }
            throw e;
        }
    }

    /**
     * Compares what is durable with what was read, before it gets its name. What is found to be wrong is thrown away, with
     * the checkpoint that vouches for it.
     *
     * @return false when the session cannot read back what it wrote.
     */
    private boolean verify(final Session<Extent> session, final Digest digest) throws IOException {
        session.flush();
        final Source<Extent> proof = session.proof().orElse(null);
        if (proof == null) {
            return false;
        }
        job.meter().phase(Phase.VERIFYING);
        try {
            new Verifier(source, proof, job).verify(digest);
        } catch (final ReplicationException e) {
            if (e.category() != ReplicationException.Category.CORRUPT) {
                throw e;
            }
            session.discard();
            if (checkpoint != null) {
                checkpoint.forget();
            }
            throw ReplicationException.corrupt(e.getMessage()
                    + (inPlace() ? "; the target was written in place and is no copy" : "; it did not get its name"));
        }
        job.meter().phase(Phase.COMMITTING);
        return true;
    }

    /** A target that has a size before the copy is no file that gets a name. */
    private boolean inPlace() {
        return sink.geometry().sized();
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
        final Session<Extent> session = sink.begin(new Target(
                from.sizeBytes(),
                dataBytes,
                from.device(),
                null,
                1,
                checkpoint == null ? null : checkpoint.resumeKey(),
                job.options().force(),
                source.storage().orElse(null)));
        try {
            if (job.options().verify() && provable && session.readBack().isEmpty()) {
                throw ReplicationException.misuse("the target cannot be read back: leave the verification out");
            }
            return session;
        } catch (final IOException | RuntimeException e) {
            try (session) {
                throw e;
            }
        }
    }

    private DoneSet trusted(final Session<Extent> session) throws IOException {
        if (checkpoint == null) {
            return new DoneSet();
        }
        final DoneSet remembered = checkpoint.done();
        if (remembered.doneBytes() > 0 && !session.resumed() && (session.keepsKeys() || !holds(session, remembered))) {
            LOG.warn("the target has nothing of what the checkpoint remembers: starting over");
            checkpoint.distrust();
        }
        return checkpoint.done();
    }

    private boolean holds(final Session<Extent> session, final DoneSet remembered) throws IOException {
        final Source<Extent> target = session.readBack().orElse(null);
        return target != null && new SpotCheck(source, target, job, blocks).agrees(this::plan, remembered);
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

    private int readers() {
        final Geometry from = source.geometry();
        return from.sequential() || sink.geometry().sequential() || !from.sized()
                ? 1
                : job.options().workers();
    }

    private int writers() {
        return sink.geometry().sequential() ? 1 : job.options().workers();
    }

    private int blockCount() throws ReplicationException {
        return blocks.count(job.options().memoryBytes(), readers(), writers());
    }

    private void carry(final Plan<Extent> plan, final Session<Extent> session, final DoneSet done, final int blockCount)
            throws IOException {
        final ExtentFeed feed = new ExtentFeed(plan, blocks.bytes(), done, pacing.stop());
        try (BlockPool pool = new BlockPool(blocks.bytes(), blockCount)) {
            final BlockReader reader = new BlockReader(
                    source, feed, done, pool, pacing, job.options().sparse());
            final Pipeline<Extent> pipeline = new Pipeline<>(
                    job.name(),
                    () -> pacing.stop(pool::close),
                    readers(),
                    reader,
                    writers(),
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
