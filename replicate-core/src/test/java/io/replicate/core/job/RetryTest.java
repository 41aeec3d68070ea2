package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RetryTest {
    private final ManualClock clock = new ManualClock();
    private final Cancellation cancellation = new Cancellation();
    private final AtomicInteger attempts = new AtomicInteger();

    private int failing(final int times) throws IOException {
        if (attempts.incrementAndGet() <= times) {
            throw ReplicationException.retry("peer away", null);
        }
        return 42;
    }

    @Test
    void aStepIsRepeatedUntilItSucceeds() throws IOException {
        final Retry retry = new Retry(Duration.ofMinutes(5), cancellation, clock);

        assertThat(retry.call(() -> failing(5))).isEqualTo(42);
        assertThat(attempts).hasValue(6);
        // 100, 200, 400, 800, 1600 ms, each shortened by up to a half
        assertThat(clock.seconds()).isBetween(1.55, 3.1);
    }

    @Test
    void anyOtherFailureIsNotRepeated() {
        final Retry retry = new Retry(Duration.ofMinutes(5), cancellation, clock);

        assertThatThrownBy(() -> retry.call(() -> {
                    attempts.incrementAndGet();
                    throw ReplicationException.fail("fsync: EIO", null);
                }))
                .hasMessage("fsync: EIO");
        assertThat(attempts).hasValue(1);
    }

    @Test
    void allStepsOfAJobShareOneBudget() throws IOException {
        final Retry retry = new Retry(Duration.ofSeconds(4), cancellation, clock);
        retry.call(() -> failing(5));

        assertThatThrownBy(() -> retry.call(() -> failing(Integer.MAX_VALUE)))
                .hasMessageStartingWith("peer away (given up after ")
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.RETRY));
        assertThat(clock.seconds()).isLessThanOrEqualTo(4);
    }

    @Test
    void withoutABudgetThereIsOneAttempt() {
        final Retry retry = new Retry(Duration.ZERO, cancellation, clock);

        assertThatThrownBy(() -> retry.call(() -> failing(1))).hasMessageContaining("after 1 attempt:");
        assertThat(attempts).hasValue(1);
    }

    @Test
    void aCancelledJobDoesNotTryAgain() {
        final Retry retry = new Retry(Duration.ofMinutes(5), cancellation, clock);

        assertThatThrownBy(() -> retry.call(() -> {
                    cancellation.cancel();
                    return failing(1);
                }))
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                        .isEqualTo(ReplicationException.Category.CANCELLED));
        assertThat(attempts).hasValue(1);
        assertThat(clock.seconds()).isZero();
    }
}
