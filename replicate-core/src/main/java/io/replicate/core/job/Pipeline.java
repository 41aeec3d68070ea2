package io.replicate.core.job;

import io.replicate.core.block.BlockPipe;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Threads that read, a bounded pipe, threads that write. The first failure of any of them ends all; each is seen off
 * before the pipeline counts as ended, so whoever owns the ends may close them then.
 */
final class Pipeline<U extends Unit> {
    /** A throttle may hold the pipe empty, and a slow target full, for as long as they like: not the pipe's to judge. */
    private static final Duration PIPE_WAIT = Duration.ofDays(30);

    private static final long LOOK_MS = 20;

    private final Runnable onFailure;
    private final BlockPipe<U> pipe;
    private final AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
    private final CountDownLatch ended;
    private final AtomicInteger readersLeft;
    private final List<Thread> threads = new ArrayList<>();

    /** Reads one parcel at a time; null behind the last. Called by several threads. */
    interface Reader<U extends Unit> {
        @Nullable
        Parcel<U> read() throws IOException;
    }

    /** Writes one parcel at a time and leaves its block alone. Called by several threads. */
    interface Writer<U extends Unit> {
        void write(Parcel<U> parcel) throws IOException;
    }

    /**
     * Creates a pipeline.
     *
     * @param onFailure wakes whoever waits for something other than the pipe; may run more than once.
     */
    Pipeline(
            final String name,
            final Runnable onFailure,
            final int readers,
            final Reader<U> reader,
            final int writers,
            final Writer<U> writer,
            final int pipeCapacity) {
        this.onFailure = onFailure;
        this.pipe = new BlockPipe<>(pipeCapacity, PIPE_WAIT);
        this.ended = new CountDownLatch(readers + writers);
        this.readersLeft = new AtomicInteger(readers);
        for (int i = 1; i <= readers; i++) {
            threads.add(thread(name + "-read-" + i, () -> readAll(reader)));
        }
        for (int i = 1; i <= writers; i++) {
            threads.add(thread(name + "-write-" + i, () -> writeAll(writer)));
        }
    }

    private interface Stage {
        void run() throws IOException;
    }

    private Thread thread(final String name, final Stage stage) {
        final Thread thread = new Thread(
                () -> {
                    try {
                        stage.run();
                    } catch (final IOException | RuntimeException | Error e) {
                        fail(asIoException(e));
                    } finally {
                        ended.countDown();
                    }
                },
                name);
        thread.setDaemon(true);
        return thread;
    }

    private void readAll(final Reader<U> reader) throws IOException {
        for (Parcel<U> parcel = reader.read(); parcel != null; parcel = reader.read()) {
            pipe.put(parcel);
        }
        if (readersLeft.decrementAndGet() == 0) {
            pipe.finish();
        }
    }

    private void writeAll(final Writer<U> writer) throws IOException {
        for (Parcel<U> parcel = pipe.take(); parcel != null; parcel = pipe.take()) {
            try {
                writer.write(parcel);
            } finally {
                parcel.release();
            }
        }
    }

    /** Something to be done now and then while a pipeline runs. */
    interface Watch {
        void look() throws IOException;
    }

    /**
     * Runs the pipeline, and returns when all its threads have ended, for whatever reason.
     *
     * @param user whose request ends the pipeline.
     * @param watch that looks in about every 20 ms until the pipeline fails; its own failure ends the pipeline.
     */
    void run(final Cancellation user, final Watch watch) throws ReplicationException {
        threads.forEach(Thread::start);
        while (!awaitEnd()) {
            if (user.isRequested()) {
                fail(new ReplicationException(ReplicationException.Category.CANCELLED, "stopped on request"));
            } else if (!failed()) {
                try {
                    watch.look();
                } catch (final IOException | RuntimeException e) {
                    fail(asIoException(e));
                }
            }
        }
    }

    private boolean awaitEnd() throws ReplicationException {
        try {
            return ended.await(LOOK_MS, TimeUnit.MILLISECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            final ReplicationException interrupted = new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for the copy", e);
            fail(interrupted);
            throw interrupted;
        }
    }

    private void fail(final IOException cause) {
        failure.compareAndSet(null, cause);
        onFailure.run();
        pipe.fail(cause);
    }

    /** Returns the failure itself, or one that says which kind of fault it was. */
    private static IOException asIoException(final Throwable failure) {
        return failure instanceof IOException e ? e : ReplicationException.fail("unexpected: " + failure, failure);
    }

    /** Returns whether anything failed. */
    boolean failed() {
        return failure.get() != null;
    }

    /** Throws the failure, if there is one. */
    void check() throws IOException {
        final IOException first = failure.get();
        if (first != null) {
            throw first;
        }
    }
}
