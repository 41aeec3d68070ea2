package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ThrottleTest {
    private static final int MIB = 1 << 20;

    private final ManualClock clock = new ManualClock();
    private final Cancellation cancellation = new Cancellation();

    @Test
    void blocksPassAtTheRateOnAverage() throws ReplicationException {
        final Throttle throttle = new Throttle(10 * MIB, clock);

        for (int i = 0; i < 100; i++) {
            throttle.acquire(MIB, cancellation);
        }

        assertThat(clock.seconds()).isCloseTo(10, within(0.11));
    }

    @Test
    void aBlockLargerThanASecondsWorthPasses() throws ReplicationException {
        final Throttle throttle = new Throttle(MIB, clock);

        throttle.acquire(64 * MIB, cancellation);

        assertThat(clock.seconds()).isCloseTo(64, within(0.11));
    }

    @Test
    void anIdleTimeIsNotSavedUpForABurst() throws ReplicationException {
        final Throttle throttle = new Throttle(MIB, clock);
        clock.sleep(TimeUnit.HOURS.toNanos(1));
        final double before = clock.seconds();

        throttle.acquire(10 * MIB, cancellation);

        assertThat(clock.seconds() - before).isCloseTo(10, within(0.11));
    }

    @Test
    void aNewRateCountsForWhoWaitsAlready() throws ReplicationException {
        final Throttle[] throttle = new Throttle[1];
        final NanoClock raising = new NanoClock() {
            private int sleeps;

            @Override
            public long nanoTime() {
                return clock.nanoTime();
            }

            @Override
            public void sleep(final long durationNs) {
                clock.sleep(durationNs);
                if (++sleeps == 10) {
                    throttle[0].rateBytesPerSecond(100 * MIB);
                }
            }
        };
        throttle[0] = new Throttle(MIB, raising);

        throttle[0].acquire(100 * MIB, cancellation);

        assertThat(clock.seconds()).isCloseTo(1 + 99 / 100.0, within(0.11));
    }

    /** Workers behind one throttle would otherwise all stand still, and then all go on at once. */
    @Test
    @Timeout(240)
    void whoComesFirstDoesNotWaitForWhatIsTakenBehindIt() throws Exception {
        final Throttle[] throttle = new Throttle[1];
        final Thread first = Thread.currentThread();
        final CountDownLatch secondTook = new CountDownLatch(1);
        final CountDownLatch firstWentOn = new CountDownLatch(1);
        final Thread second = new Thread(() -> {
            try {
                throttle[0].acquire(10 * MIB, cancellation);
            } catch (final ReplicationException e) {
                throw new IllegalStateException(e);
            }
        });
        throttle[0] = new Throttle(MIB, new NanoClock() {
            @Override
            public long nanoTime() {
                return clock.nanoTime();
            }

            @Override
            public void sleep(final long durationNs) {
                try {
                    if (Thread.currentThread() != first) {
                        secondTook.countDown();
                        firstWentOn.await();
                    } else if (second.getState() == Thread.State.NEW) {
                        second.start();
                        secondTook.await();
                    }
                } catch (final InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                clock.sleep(durationNs);
            }
        });

        throttle[0].acquire(MIB, cancellation);

        assertThat(clock.seconds()).isCloseTo(1, within(0.11));
        firstWentOn.countDown();
        second.join();
        assertThat(clock.seconds()).isCloseTo(11, within(0.11));
    }

    @Test
    void withoutALimitNobodyWaits() throws ReplicationException {
        final Throttle throttle = new Throttle(1, clock);
        throttle.rateBytesPerSecond(Throttle.UNLIMITED);

        throttle.acquire(Long.MAX_VALUE / 2, cancellation);

        assertThat(clock.seconds()).isZero();
    }

    @Test
    void aLimitAfterNoneStartsWithoutDebt() throws ReplicationException {
        final Throttle throttle = new Throttle(Throttle.UNLIMITED, clock);
        throttle.acquire(1L << 40, cancellation);
        throttle.rateBytesPerSecond(MIB);

        throttle.acquire(MIB, cancellation);

        assertThat(clock.seconds()).isLessThanOrEqualTo(1.11);
    }

    @Test
    @Timeout(240)
    void aCancellationEndsTheWait() {
        final Throttle throttle = new Throttle(1, clock);
        cancellation.cancel();

        assertThatThrownBy(() -> throttle.acquire(1 << 30, cancellation))
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                        .isEqualTo(ReplicationException.Category.CANCELLED));
    }
}
