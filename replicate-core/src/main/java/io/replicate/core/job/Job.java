package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running copy. To close a job is to stop it, unless it has ended, and to wait until it has let go of everything. Safe
 * for use by any thread.
 */
public final class Job implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Job.class);
    private static final long TICK_MS = 100;
    private static final long LONGEST_CLOSE_SECONDS = 300;

    private final Cancellation cancellation;
    private final Throttle throttle;
    private final ProgressMeter meter;
    private final CompletableFuture<Result> outcome = new CompletableFuture<>();

    /** What the job's thread does. */
    interface Work {
        Result run() throws IOException;
    }

    private Job(final Cancellation cancellation, final Throttle throttle, final ProgressMeter meter) {
        this.cancellation = cancellation;
        this.throttle = throttle;
        this.meter = meter;
    }

    static Job start(
            final String name,
            final Cancellation cancellation,
            final Throttle throttle,
            final ProgressMeter meter,
            final Work work) {
        final Job job = new Job(cancellation, throttle, meter);
        daemon(name, () -> job.run(work));
        daemon(name + "-progress", job::tick);
        return job;
    }

    private static void daemon(final String name, final Runnable body) {
        final Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void run(final Work work) {
        try {
            final Result result = work.run();
            meter.phase(Phase.DONE);
            outcome.complete(result);
        } catch (final IOException | RuntimeException | Error e) {
            final boolean cancelled = ReplicationException.categoryOf(e) == ReplicationException.Category.CANCELLED;
            meter.phase(cancelled ? Phase.CANCELLED : Phase.FAILED);
            outcome.completeExceptionally(e);
        }
    }

    private void tick() {
        while (true) {
            try {
                outcome.get(TICK_MS, TimeUnit.MILLISECONDS);
                return;
            } catch (final TimeoutException e) {
                meter.tick();
            } catch (final ExecutionException | InterruptedException e) {
                return;
            }
        }
    }

    /**
     * Waits for the end of the copy, however long it takes.
     *
     * @throws ReplicationException why the copy ended before its end; CANCELLED after {@link #cancel()}.
     */
    public Result await() throws IOException {
        return get(Long.MAX_VALUE).orElseThrow(() -> new IllegalStateException("the copy has taken 292 years"));
    }

    /** Waits as {@link #await()} for at most {@code timeout}; empty when the copy goes on. */
    public Optional<Result> await(final Duration timeout) throws IOException {
        return get(timeout.toNanos());
    }

    private Optional<Result> get(final long timeoutNs) throws IOException {
        try {
            return Optional.of(outcome.get(timeoutNs, TimeUnit.NANOSECONDS));
        } catch (final TimeoutException e) {
            return Optional.empty();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for the copy", e);
        } catch (final ExecutionException e) {
            final Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new ReplicationException(
                    ReplicationException.categoryOf(cause), String.valueOf(cause.getMessage()), cause);
        }
    }

    /** Asks the copy to stop at the next block. What is durable is noted in the checkpoint, if there is one. */
    public void cancel() {
        cancellation.cancel();
    }

    /** Returns how far the copy is. */
    public ProgressSnapshot progress() {
        return meter.snapshot();
    }

    /** Changes the rate from now on; {@link Throttle#UNLIMITED} for none. */
    public void rateBytesPerSecond(final long rate) {
        throttle.rateBytesPerSecond(rate);
    }

    @Override
    public void close() {
        cancel();
        try {
            outcome.get(LONGEST_CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (final TimeoutException e) {
            LOG.warn("the copy does not stop: a read or write has been standing still for {} s", LONGEST_CLOSE_SECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (final ExecutionException e) {
            LOG.debug("closed after a failure, which await() reports: {}", e.toString());
        }
    }
}
