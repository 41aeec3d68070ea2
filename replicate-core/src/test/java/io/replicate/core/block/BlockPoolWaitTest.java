package io.replicate.core.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class BlockPoolWaitTest {
    private static final Duration WAIT = Duration.ofSeconds(3);
    private static final long WORK_MS = 300;

    @Test
    void whoeverWaitsIsPatientAsLongAsBlocksComeBackToOthers() throws Exception {
        final int users = 12;
        final ExecutorService threads = Executors.newFixedThreadPool(users);
        try (BlockPool pool = new BlockPool(16, 1)) {
            final List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < users; i++) {
                all.add(threads.submit(() -> {
                    final Block block = pool.take(WAIT);
                    try {
                        Thread.sleep(WORK_MS); // the work: all of it takes longer than the wait
                    } finally {
                        block.release();
                    }
                    return null;
                }));
            }
            for (final Future<?> user : all) {
                user.get();
            }
            assertThat(pool.lent()).isZero();
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void whoeverWaitsForABlockThatNobodyGivesBackIsToldSo() throws Exception {
        try (BlockPool pool = new BlockPool(16, 1)) {
            final Block kept = pool.take();

            assertThatThrownBy(() -> pool.take(Duration.ofMillis(20)))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("no block came back to the pool");
            kept.release();
        }
    }
}
