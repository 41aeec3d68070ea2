package io.replicate.cas.internal.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StoreGateTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final Cancellation cancellation = new Cancellation();

    /** Lets as many in as there is room for now, at least so many, and returns how many that were; all leave again. */
    private int room(final StoreGate gate, final int tries, final int expected) throws Exception {
        final Cancellation stop = new Cancellation();
        final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger waiting = new AtomicInteger();
        final CompletableFuture<?>[] all = new CompletableFuture<?>[tries];
        for (int i = 0; i < tries; i++) {
            all[i] = CompletableFuture.runAsync(
                    () -> {
                        try {
                            waiting.incrementAndGet();
                            gate.enter(stop);
                            inside.incrementAndGet();
                        } catch (final ReplicationException e) {
                            assertThat(e.category()).isEqualTo(ReplicationException.Category.CANCELLED);
                        }
                    },
                    command -> new Thread(command).start());
        }
        await().atMost(LONG).until(() -> waiting.get() == tries && inside.get() >= expected);
        // Who has not come in by the time that those outside have looked twice is kept out.
        await().atMost(LONG).during(Duration.ofMillis(250)).until(() -> inside.get() >= expected);
        final int entered = inside.get();
        stop.cancel();
        CompletableFuture.allOf(all).get();
        for (int i = 0; i < inside.get(); i++) {
            gate.leave();
        }
        return entered;
    }

    @Test
    void letsAsManyInAsTheLimitSays() throws Exception {
        final StoreGate gate = new StoreGate(3);

        assertThat(room(gate, 6, 3)).isEqualTo(3);
        assertThat(gate.highest()).isEqualTo(3);
    }

    @Test
    void eachBusyAnswerHalvesTheRoomAndSuccessesGiveItBack() throws Exception {
        final StoreGate gate = new StoreGate(8);

        gate.busy(1);
        assertThat(room(gate, 10, 4)).isEqualTo(4);
        gate.busy(1);
        gate.busy(1);
        gate.busy(1);
        gate.busy(1);
        assertThat(room(gate, 3, 1)).isEqualTo(1);
        for (int i = 0; i < 40; i++) {
            gate.succeeded();
        }
        assertThat(room(gate, 10, 8)).isEqualTo(8);
    }

    @Test
    void aPauseHoldsEverybodyBackAndTheLongestOneCounts() throws Exception {
        final StoreGate gate = new StoreGate(2);
        final long startNs = System.nanoTime();

        gate.busy(200_000_000L);
        gate.busy(1);
        gate.enter(cancellation);

        assertThat(System.nanoTime() - startNs).isGreaterThanOrEqualTo(200_000_000L);
        gate.leave();
    }

    @Test
    void aCancellationEndsTheWaiting() throws Exception {
        final StoreGate gate = new StoreGate(1);
        gate.enter(cancellation);
        cancellation.cancel();

        assertThatThrownBy(() -> gate.enter(cancellation)).isInstanceOf(ReplicationException.class);
        gate.leave();
    }
}
