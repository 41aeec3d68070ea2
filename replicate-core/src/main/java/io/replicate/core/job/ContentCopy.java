package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.ContentStore;
import io.replicate.core.spi.Digest;
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
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Copies contents: each is read once, whole, and written. It needs no checkpoint, because a content that is there is
 * there. Used once.
 */
final class ContentCopy {
    /** Contents up to this size do not wait for the few large blocks. */
    private static final int SMALL_BYTES = 1 << 20;
    /** Which part of the memory the small blocks may take, as a divisor. */
    private static final int SMALL_SHARE = 8;
    /** Reading and writing have time limits of their own; this one is for what they cannot see. */
    private static final Duration BLOCK_WAIT = Duration.ofHours(1);

    private final Source<Digest> source;
    private final Sink<Digest> sink;
    private final @Nullable ContentStore present;
    private final Environment job;
    private final Pacing pacing;
    private final Failures failures;
    private final LongAdder units = new LongAdder();
    private final LongAdder carriedBytes = new LongAdder();
    private final LongAdder presentBytes = new LongAdder();

    ContentCopy(final Source<Digest> source, final Sink<Digest> sink, final Environment job) {
        this.source = source;
        this.sink = sink;
        this.job = job;
        this.present = job.options().skipPresent() && sink instanceof ContentStore store ? store : null;
        this.pacing = new Pacing(job);
        this.failures = new Failures(job.options().continueOnError());
    }

    Result run() throws IOException {
        final long startNs = job.clock().nanoTime();
        try (Plan<Digest> plan = source.plan(job.options().selection());
                Session<Digest> session = sink.begin(new Target(
                        Unit.UNKNOWN,
                        Unit.UNKNOWN,
                        false,
                        null,
                        job.options().copies(),
                        null,
                        job.options().force()))) {
            job.meter().expect(plan.totalBytes(), Unit.UNKNOWN);
            job.meter().phase(Phase.COPYING);
            carry(plan, session);
            job.meter().phase(Phase.COMMITTING);
            final Committed committed = session.commit(Revision.NONE);
            return new Result(
                    carriedBytes.sum() + presentBytes.sum(),
                    carriedBytes.sum(),
                    0,
                    presentBytes.sum(),
                    units.sum(),
                    null,
                    false,
                    committed,
                    failures.first(),
                    failures.count(),
                    Duration.ofNanos(job.clock().nanoTime() - startNs));
        }
    }

    private void carry(final Plan<Digest> plan, final Session<Digest> session) throws IOException {
        final int largeBytes =
                Math.min(source.geometry().maxIoBytes(), sink.geometry().maxIoBytes());
        final int smallBytes = Math.min(largeBytes, SMALL_BYTES);
        final int workers = job.options().workers();
        final int readers = source.geometry().sequential() ? 1 : workers;
        final int writers = sink.geometry().sequential() ? 1 : workers;
        final long memoryBytes = job.options().memoryBytes();
        final int smallCount = clamp(memoryBytes / SMALL_SHARE / smallBytes, readers + writers);
        final int largeCount = clamp((memoryBytes - (long) smallCount * smallBytes) / largeBytes, 2 * workers);
        try (BlockPool large = new BlockPool(largeBytes, largeCount);
                BlockPool small = new BlockPool(smallBytes, smallCount)) {
            final Pipeline<Digest> pipeline = new Pipeline<>(
                    job.name(),
                    () -> pacing.stop(small::close, large::close),
                    readers,
                    () -> read(plan, small, large),
                    writers,
                    parcel -> write(parcel, session),
                    writers);
            pipeline.run(job.cancellation(), () -> {});
            assert small.lent() + large.lent() == 0 : "blocks that nobody gave back";
            pipeline.check();
        }
    }

    /** Contents cannot be cut: there is one block, whatever the memory. */
    private static int clamp(final long count, final int most) {
        return (int) Math.max(1, Math.min(most, count));
    }

    private @Nullable Parcel<Digest> read(final Plan<Digest> plan, final BlockPool small, final BlockPool large)
            throws IOException {
        while (true) {
            pacing.stop().check();
            final Digest digest;
            synchronized (plan) {
                digest = plan.next();
            }
            if (digest == null) {
                return null;
            }
            try {
                final Parcel<Digest> parcel = isPresent(digest) ? null : fetch(digest, small, large);
                if (parcel != null) {
                    return parcel;
                }
            } catch (final IOException e) {
                failures.add(digest, e);
            }
        }
    }

    private boolean isPresent(final Digest digest) throws IOException {
        if (present == null) {
            return false;
        }
        final ContentStore store = present;
        final boolean enough =
                pacing.retry(() -> store.stat(digest)).copies() >= job.options().copies();
        if (enough) {
            final long length = Math.max(0, digest.lengthBytes());
            presentBytes.add(length);
            units.increment();
            job.meter().add(length, 0);
        }
        return enough;
    }

    private Parcel<Digest> fetch(final Digest digest, final BlockPool small, final BlockPool large) throws IOException {
        final long length = digest.lengthBytes();
        if (length > large.blockBytes()) {
            throw ReplicationException.fail(
                    "content " + digest + " is larger than the " + large.blockBytes() + " bytes that fit", null);
        }
        pacing.acquire(Math.max(0, length));
        final Block block = length != Unit.UNKNOWN && length <= small.blockBytes()
                ? small.take(BLOCK_WAIT)
                : large.take(BLOCK_WAIT);
        boolean passedOn = false;
        try {
            if (pacing.retry(() -> source.read(digest, block)) < 0) {
                throw ReplicationException.fail("content " + digest + " is not in the source any more", null);
            }
            passedOn = true;
            return new Parcel<>(digest, block);
        } finally {
            if (!passedOn) {
                block.release();
            }
        }
    }

    private void write(final Parcel<Digest> parcel, final Session<Digest> session) throws IOException {
        pacing.stop().check();
        try {
            pacing.retry(() -> session.write(parcel.unit(), parcel.block()));
        } catch (final IOException e) {
            failures.add(parcel.unit(), e);
            return;
        }
        final long length = parcel.block() == null ? 0 : parcel.block().length();
        units.increment();
        carriedBytes.add(length);
        job.meter().add(length, length);
    }
}
