package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What holds the workers of one pipeline back: the job's throttle, its retries, and the request to stop, which comes from
 * the job's user or from the first worker that failed. Safe for use by any thread.
 */
final class Pacing {
    private final Throttle throttle;
    private final Retry retry;
    private final Cancellation stop = new Cancellation();

    Pacing(final Environment job) {
        this.throttle = job.throttle();
        this.retry = new Retry(job.options().retryBudget(), stop, job.clock());
    }

    /** Returns the request to stop, to be looked at per block. */
    Cancellation stop() {
        return stop;
    }

    /** Requests to stop, and wakes whoever waits for blocks. */
    void stop(final Runnable... wakers) {
        stop.cancel();
        for (final Runnable waker : wakers) {
            waker.run();
        }
    }

    void acquire(final long bytes) throws IOException {
        throttle.acquire(bytes, stop);
    }

    <T extends @Nullable Object> T retry(final Retry.Step<T> step) throws IOException {
        return retry.call(step);
    }
}
