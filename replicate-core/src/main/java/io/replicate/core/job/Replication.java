package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Describes a copy, and starts it:
 *
 * <pre>{@code
 * try (Job job = Replication.from("/dev/sdb?direct=true").to("nbd://backup:10809/sdb")
 *         .checkpoint("file:/var/lib/replicate/sdb.ckpt").rateBytesPerSecond(200 << 20).listener(bar).start()) {
 *     Result r = job.await();
 * }
 * }</pre>
 *
 * What is named by a locator is opened by {@link #start()} and closed by the job; what is passed as an object is used and
 * left open. Any source goes with any sink of the same kind of unit, places or contents. Not safe for use by several
 * threads; may be started several times, each time as a job of its own, if its ends are named by locators.
 */
public final class Replication {
    /** The memory that a job's blocks may take, unless it says otherwise. */
    public static final long DEFAULT_MEMORY_BYTES = 64L << 20;

    /** How many threads read, and as many write, unless the job says otherwise. */
    public static final int DEFAULT_WORKERS = 4;

    /** The most workers of each kind that {@link #workers(int)} takes. */
    public static final int MAX_WORKERS = 256;

    /** The data after which progress is made durable, unless the job says otherwise. */
    public static final long DEFAULT_CHECKPOINT_BYTES = 256L << 20;

    /** The time after which progress is made durable, unless the job says otherwise. */
    public static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(5);

    private final End<Source<?>> source;
    private final boolean contents;
    private @Nullable End<Sink<?>> sink;
    private @Nullable End<Checkpoint> checkpoint;
    private @Nullable JobId id;
    private ProgressListener listener = snapshot -> {};
    private long rateBytesPerSecond = Throttle.UNLIMITED;
    private Selection selection = Selection.ALL;
    private int workers = DEFAULT_WORKERS;
    private long memoryBytes = DEFAULT_MEMORY_BYTES;
    private int copies = 1;
    private boolean sparse = true;
    private boolean verify;
    private boolean force;
    private boolean continueOnError;
    private boolean skipPresent = true;
    private Duration retryBudget = Retry.DEFAULT_BUDGET;
    private long checkpointBytes = DEFAULT_CHECKPOINT_BYTES;
    private Duration checkpointInterval = DEFAULT_CHECKPOINT_INTERVAL;

    private Replication(final End<Source<?>> source, final boolean contents) {
        this.source = source;
        this.contents = contents;
    }

    /** Begins the description of a copy of what the locator names. */
    public static Replication from(final String locator) throws ReplicationException {
        return from(Locator.parse(locator));
    }

    /** Begins the description of a copy of what the locator names. */
    public static Replication from(final Locator locator) {
        return new Replication(End.named(locator, Providers::source), false);
    }

    /** Begins the description of a copy of an open volume, or of an open {@link io.replicate.core.spi.ContentStore}. */
    public static Replication from(final Source<?> source) {
        return new Replication(End.given(source), false);
    }

    /** Begins the description of a copy of the contents that an open source, which need not be a store, plans. */
    public static Replication fromContents(final Source<Digest> source) {
        return new Replication(End.given(source), true);
    }

    /** Copies to what the locator names. */
    public Replication to(final String locator) throws ReplicationException {
        return to(Locator.parse(locator));
    }

    /** Copies to what the locator names. */
    public Replication to(final Locator locator) {
        sink = End.named(locator, Providers::sink);
        return this;
    }

    /** Copies to a sink of the source's kind of unit. */
    public Replication to(final Sink<?> target) {
        sink = End.given(target);
        return this;
    }

    /** Copies into an open volume, in place. */
    public Replication to(final Volume volume) {
        sink = End.given(VolumeSink.borrowing(volume));
        return this;
    }

    /** Remembers progress in what the locator names, and goes on from there. For places only: contents need none. */
    public Replication checkpoint(final String locator) throws ReplicationException {
        checkpoint = End.named(Locator.parse(locator), Providers::checkpoint);
        return this;
    }

    /** Remembers progress in an open checkpoint, and goes on from there. For places only: contents need none. */
    public Replication checkpoint(final Checkpoint store) {
        checkpoint = End.given(store);
        return this;
    }

    /** Makes progress durable after so many bytes of data or so much time, whichever comes first. */
    public Replication checkpointEvery(final long bytes, final Duration interval) {
        checkpointBytes = positive(bytes, "checkpoint interval");
        checkpointInterval = interval;
        return this;
    }

    /** Names the job in its checkpoint. By default the name is made from the locators of both ends. */
    public Replication id(final JobId jobId) {
        id = jobId;
        return this;
    }

    /** Reads no faster than this, on average. */
    public Replication rateBytesPerSecond(final long rate) {
        rateBytesPerSecond = positive(rate, "rate");
        return this;
    }

    /** Tells {@code progress} how the job goes on. */
    public Replication listener(final ProgressListener progress) {
        listener = progress;
        return this;
    }

    /** Copies a part. The default is everything. */
    public Replication selection(final Selection units) {
        selection = units;
        return this;
    }

    /** Sets how many threads read, and as many write, at most {@value #MAX_WORKERS}; one where an end is sequential. */
    public Replication workers(final int count) {
        workers = (int) positive(count, "workers");
        return this;
    }

    /** Bounds the memory of all blocks. Contents cannot be cut: at least two of them are held. */
    public Replication memoryBytes(final long bytes) {
        memoryBytes = positive(bytes, "memory");
        return this;
    }

    /** Sets how many copies of each content there shall be. */
    public Replication copies(final int count) {
        copies = (int) positive(count, "copies");
        return this;
    }

    /** Sets whether blocks of data that are all zero become holes. The default is true. */
    public Replication sparse(final boolean zerosToHoles) {
        sparse = zerosToHoles;
        return this;
    }

    /** Reads the target back after the commit, and compares digests; not of a stream. */
    public Replication verify(final boolean readBack) {
        verify = readBack;
        return this;
    }

    /** Allows a mounted target, and a device over a file or a file over a device. */
    public Replication force(final boolean allowed) {
        force = allowed;
        return this;
    }

    /** Sets whether contents that cannot be copied are listed in the result instead of ending the job. */
    public Replication continueOnError(final boolean goOn) {
        continueOnError = goOn;
        return this;
    }

    /** Sets whether contents that the target store has already are left alone. The default is true. */
    public Replication skipPresent(final boolean skip) {
        skipPresent = skip;
        return this;
    }

    /** Bounds the time that the job spends waiting between attempts, over all its blocks. */
    public Replication retryFor(final Duration budget) {
        retryBudget = budget;
        return this;
    }

    private static long positive(final long value, final String what) {
        if (value < 1) {
            throw new IllegalArgumentException(what + " of " + value);
        }
        return value;
    }

    /**
     * Opens the ends that are named by locators, and starts to copy.
     *
     * @throws ReplicationException MISUSE when the description makes no sense; or what the backends throw.
     */
    public Job start() throws IOException {
        if (sink == null) {
            throw ReplicationException.misuse("a copy needs a target: call to(…)");
        }
        if (workers > MAX_WORKERS) {
            throw ReplicationException.misuse(workers + " workers are too many, the most is " + MAX_WORKERS);
        }
        final CopyOptions options = new CopyOptions(
                selection,
                workers,
                memoryBytes,
                sparse,
                verify,
                copies,
                force,
                continueOnError,
                skipPresent,
                retryBudget,
                checkpointBytes,
                checkpointInterval);
        final Throttle throttle = new Throttle(rateBytesPerSecond);
        final ProgressMeter meter = new ProgressMeter(NanoClock.SYSTEM, listener);
        final Cancellation cancellation = new Cancellation();
        final Environment environment =
                new Environment("copy", options, throttle, meter, cancellation, NanoClock.SYSTEM);
        final Ends ends = Ends.open(source, sink, checkpoint, id, contents);
        try {
            ends.check(options);
            return Job.start("copy", cancellation, throttle, meter, () -> ends.copyAndClose(environment));
        } catch (final IOException | RuntimeException e) {
            ends.close();
            throw e;
        }
    }
}
