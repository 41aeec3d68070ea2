package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats idempotent steps that fail with RETRY, with a back-off of 100 ms that doubles up to 10 s, each shortened by up
 * to a half at random. All steps of a job draw the time they wait from one budget, so that layers and workers do not
 * multiply it. Safe for use by any thread.
 *
 * <p><b>Design note:</b> Failsafe's policies count per execution; one budget over all workers, looked at together with
 * the job's cancellation, would be as much code around it as this is without it.
 */
public final class Retry {
    /** What a job may spend waiting, unless it says otherwise. */
    public static final Duration DEFAULT_BUDGET = Duration.ofMinutes(5);

    private static final Logger LOG = LoggerFactory.getLogger(Retry.class);
    private static final long FIRST_WAIT_NS = 100_000_000L;
    private static final long LONGEST_WAIT_NS = 10_000_000_000L;
    private static final long CANCELLATION_LOOK_NS = 100_000_000L;

    private final AtomicLong budgetNs;
    private final NanoClock clock;
    private final Cancellation cancellation;

    /** Something that may be done again. */
    public interface Step<T extends @Nullable Object> {
        T run() throws IOException;
    }

    /** Creates the retries of one job, which may spend {@code budget} waiting; zero for no second attempts. */
    public Retry(final Duration budget, final Cancellation cancellation) {
        this(budget, cancellation, NanoClock.SYSTEM);
    }

    Retry(final Duration budget, final Cancellation cancellation, final NanoClock clock) {
        this.budgetNs = new AtomicLong(budget.toNanos());
        this.cancellation = cancellation;
        this.clock = clock;
    }

    /**
     * Returns what {@code step} returns, at the first attempt that does not fail with RETRY.
     *
     * @throws ReplicationException RETRY when the budget is spent, CANCELLED when the job is stopped in between.
     */
    public <T extends @Nullable Object> T call(final Step<T> step) throws IOException {
        long waitNs = FIRST_WAIT_NS;
        for (int attempt = 1; ; attempt++) {
            cancellation.check();
            try {
                return step.run();
            } catch (final IOException e) {
                if (ReplicationException.categoryOf(e) != ReplicationException.Category.RETRY) {
                    throw e;
                }
                final long jitteredNs = waitNs - ThreadLocalRandom.current().nextLong(waitNs / 2);
                if (budgetNs.addAndGet(-jitteredNs) < 0) {
                    throw ReplicationException.retry(
                            e.getMessage() + " (given up after " + attempt + (attempt == 1 ? " attempt" : " attempts")
                                    + ": the job's time for retries is spent)",
                            e);
                }
                LOG.info("attempt {} failed, next in {} ms: {}", attempt, jitteredNs / 1_000_000, e.getMessage());
                sleep(jitteredNs);
                waitNs = Math.min(waitNs * 2, LONGEST_WAIT_NS);
            }
        }
    }

    private void sleep(final long durationNs) throws ReplicationException {
        for (long leftNs = durationNs; leftNs > 0; leftNs -= CANCELLATION_LOOK_NS) {
            cancellation.check();
            clock.sleep(Math.min(leftNs, CANCELLATION_LOOK_NS));
        }
    }
}
