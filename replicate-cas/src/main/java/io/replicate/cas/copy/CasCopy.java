package io.replicate.cas.copy;

import io.replicate.cas.store.CasStore;
import io.replicate.core.block.Block;
import io.replicate.core.job.FailedUnit;
import io.replicate.core.job.Job;
import io.replicate.core.job.ProgressListener;
import io.replicate.core.job.Replication;
import io.replicate.core.job.Result;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One copy of a store into another, as one job of the core: its plan is what the destination's index lacks, its source
 * reads and proves, its sink writes the copies that each content is to have. Because the destination's index is the
 * checkpoint, the copy is resumed by doing it again. Used once.
 */
public final class CasCopy {
    private static final int SMALL_BYTES = 1 << 20;
    private static final Duration LOOK = Duration.ofMillis(100);

    private final CasStore source;
    private final CasStore destination;
    private final CopyOptions options;
    private final CopyListener listener;
    private final ProgressListener progress;
    private final Cancellation cancellation;
    private final FinishedSlices finished;
    private final int finishedBefore;
    private final CopyPlan plan;
    private final RefusalWatch refusedReads;
    private final RefusalWatch refusedWrites;
    private final Throttle requests;
    private final Map<Digest, CopyTask> underWay = new ConcurrentHashMap<>();
    private final Object numbering = new Object();
    private long begun;
    private final AtomicLong ended = new AtomicLong();
    private final LongAdder copied = new LongAdder();
    private final LongAdder toppedUp = new LongAdder();
    private final LongAdder copiesWritten = new LongAdder();
    private final LongAdder misplaced = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private volatile long startNs = System.nanoTime();

    /**
     * Prepares a copy.
     *
     * @param cancellation stops it between blocks: what is being written is written to its end.
     */
    public CasCopy(
            final CasStore source,
            final CasStore destination,
            final CopyOptions options,
            final CopyListener listener,
            final ProgressListener progress,
            final Cancellation cancellation)
            throws IOException {
        this.source = source;
        this.destination = destination;
        this.options = options;
        this.listener = listener;
        this.progress = progress;
        this.cancellation = cancellation;
        this.finished = FinishedSlices.load(source, destination, options);
        this.finishedBefore = finished.prefixes().size();
        this.plan = new CopyPlan(source, destination, options, listener, cancellation, finished.prefixes());
        this.refusedReads = RefusalWatch.ofReads(source.name(), listener);
        this.refusedWrites = RefusalWatch.ofWrites(destination.name(), listener);
        this.requests = new Throttle(options.requestsPerSecond);
    }

    /** Returns how many slices are left out, as an earlier run finished them and its checkpoint says so. */
    public int slicesFinishedBefore() {
        return finishedBefore;
    }

    /**
     * Returns whether the checkpoint is of a run that looked at newer contents only, or gave contents other numbers of copies,
     * so that all slices are compared again.
     */
    public boolean startsOver() {
        return finished.startsOver();
    }

    /** Returns the plan, for a dry run; {@link #run()} goes on with it. */
    public CopyPlan plan() {
        return plan;
    }

    /**
     * Copies.
     *
     * @throws ReplicationException when the copy could not be done at all, or was stopped; blocks that failed are listed in
     *     the summary.
     */
    public CopySummary run() throws IOException {
        startNs = System.nanoTime();
        plan.start();
        final Replication replication = Replication.fromContents(new PlannedSource())
                .to(new PlannedSink())
                .workers(options.workers)
                .memoryBytes(memoryBytes())
                .copies(plan.defaultCopies())
                .continueOnError(!options.stopOnError)
                .skipPresent(false)
                .rateBytesPerSecond(options.rateBytesPerSecond)
                // Each store has its own rules for what to try again, where, and after which pause.
                .retryFor(Duration.ZERO)
                .listener(progress);
        try (Job job = replication.start()) {
            final Result result = await(job);
            reportUnread(result);
            return new CopySummary(
                    plan.counts(),
                    copied.sum(),
                    toppedUp.sum(),
                    result.carriedBytes(),
                    copiesWritten.sum(),
                    misplaced.sum(),
                    result.failed(),
                    result.failedCount(),
                    Duration.ofNanos(System.nanoTime() - startNs));
        } finally {
            refusedReads.end();
            refusedWrites.end();
        }
    }

    /** Returns what was done so far: of a copy that ended early, what it came to. Contents that failed are only counted. */
    public CopySummary soFar() {
        return new CopySummary(
                plan.counts(),
                copied.sum(),
                toppedUp.sum(),
                bytes.sum(),
                copiesWritten.sum(),
                misplaced.sum(),
                List.of(),
                failed.sum(),
                Duration.ofNanos(System.nanoTime() - startNs));
    }

    private Result await(final Job job) throws IOException {
        while (true) {
            if (cancellation.isRequested()) {
                job.cancel();
            }
            final java.util.Optional<Result> result = job.await(LOOK);
            if (result.isPresent()) {
                return result.get();
            }
        }
    }

    /** Names the contents that failed before they were asked for: what is listed with more bytes than a block has. */
    private void reportUnread(final Result result) {
        for (final FailedUnit failed : result.failed()) {
            if (failed.unit() instanceof Digest digest && underWay.containsKey(digest)) {
                taskEnded(digest, false);
                listener.failed(digest, failed.reason());
            }
        }
    }

    /** Returns how many contents were written so far. */
    public long done() {
        return ended.get();
    }

    private int largestBytes() {
        // Later slices may hold larger contents than the first.
        final long largest = plan.isLastSlice() ? plan.largestBytes() : source.maxBlockBytes();
        return (int) Math.max(SMALL_BYTES, Math.min(largest, source.maxBlockBytes()));
    }

    private long memoryBytes() throws ReplicationException {
        if (options.memoryBytes < largestBytes()) {
            throw ReplicationException.misuse("memory for blocks of " + options.memoryBytes
                    + " bytes is less than the largest block of " + largestBytes() + " bytes");
        }
        return options.memoryBytes;
    }

    private void sliceEnded(final Slice slice, final boolean good) {
        if (slice.end(good)) {
            finished.add(slice.prefix());
        }
    }

    private void taskEnded(final Digest digest, final boolean good) {
        final CopyTask task = underWay.remove(digest);
        ended.incrementAndGet();
        if (task != null) {
            sliceEnded(task.slice(), good);
        }
    }

    private static boolean isCancelled(final IOException failure) {
        return ReplicationException.categoryOf(failure) == ReplicationException.Category.CANCELLED;
    }

    /** Reads what the plan lists. */
    private final class PlannedSource implements Source<Digest> {
        @Override
        public Geometry geometry() {
            return new Geometry(Unit.UNKNOWN, 1, SMALL_BYTES, largestBytes(), false, false);
        }

        @Override
        public Plan<Digest> plan(final Selection selection) {
            return new Plan<>() {
                @Override
                public @Nullable Digest next() throws IOException {
                    final CopyTask task = plan.next(slice -> sliceEnded(slice, true));
                    if (task == null) {
                        return null;
                    }
                    underWay.put(task.digest(), task);
                    return task.digest();
                }

                @Override
                public long totalBytes() {
                    return plan.totalBytes();
                }
            };
        }

        @Override
        public int read(final Digest unit, final Block into) throws IOException {
            requests.acquire(1, cancellation);
            final long total = plan.counts().missing() + plan.counts().topUp();
            // Numbers are handed out and told in one go, so that they are told in order.
            synchronized (numbering) {
                listener.copying(++begun, total, ended.get(), unit);
            }
            try {
                final int length = source.read(unit, into);
                refusedReads.succeeded();
                return length;
            } catch (final IOException e) {
                taskEnded(unit, false);
                if (!isCancelled(e)) {
                    failed.increment();
                    refusedReads.failed(unit, e);
                }
                throw e;
            }
        }

        @Override
        public void close() {
            // The store is the caller's.
        }
    }

    /** Writes as many copies as each content is to have. */
    private final class PlannedSink implements Sink<Digest> {
        @Override
        public Geometry geometry() {
            return destination.geometry();
        }

        @Override
        public Session<Digest> begin(final Target target) throws IOException {
            return new PlannedSession(destination.begin(target));
        }

        @Override
        public void close() {
            // The store is the caller's.
        }
    }

    /** A session that knows of each content what the plan says. */
    private final class PlannedSession implements Session<Digest> {
        private final Session<Digest> session;

        PlannedSession(final Session<Digest> session) {
            this.session = session;
        }

        @Override
        public boolean resumed() {
            return session.resumed();
        }

        @Override
        public Stored write(final Digest unit, final @Nullable Block from) throws IOException {
            final CopyTask task = underWay.get(unit);
            if (task == null || from == null) {
                throw ReplicationException.misuse("content " + unit + " is not in the plan");
            }
            try {
                final Stored stored = write(task, from);
                (task.isNew() ? copied : toppedUp).increment();
                copiesWritten.add(stored.copies());
                bytes.add(from.length());
                refusedWrites.succeeded();
                taskEnded(unit, true);
                return stored;
            } catch (final IOException e) {
                taskEnded(unit, false);
                if (!isCancelled(e)) {
                    failed.increment();
                    refusedWrites.failed(unit, e);
                }
                throw e;
            }
        }

        private Stored write(final CopyTask task, final Block from) throws IOException {
            if (task.isNew() && destination.storeFrom(source, task.digest(), from.length())) {
                return Stored.ONCE;
            }
            final List<String> places = new ArrayList<>();
            int copies = 0;
            for (final int place : task.targets()) {
                destination.storeAt(place, task.digest(), from);
                places.add(destination.places().get(place));
                copies++;
            }
            if (task.copies() > 0) {
                final Set<Integer> held = new TreeSet<>(task.held());
                held.addAll(task.targets());
                final Stored stored = destination.store(task.digest(), from, task.copies(), held);
                copies += stored.copies();
                places.addAll(stored.places());
                noteMisplaced(task, stored);
            }
            return new Stored(copies, places);
        }

        private void noteMisplaced(final CopyTask task, final Stored stored) {
            // A server that joined since the beginning has no place yet, and changed where contents belong.
            if (!task.isNew() || !destination.places().containsAll(stored.places())) {
                return;
            }
            final List<Integer> best = destination.placement(task.digest());
            for (int i = 0; i < Math.min(stored.places().size(), best.size()); i++) {
                if (!stored.places().contains(destination.places().get(best.get(i)))) {
                    misplaced.increment();
                    return;
                }
            }
        }

        @Override
        public void flush() throws IOException {
            session.flush();
        }

        @Override
        public Committed commit(final Revision revision) throws IOException {
            return session.commit(revision);
        }

        @Override
        public void close() throws IOException {
            session.close();
        }
    }
}
