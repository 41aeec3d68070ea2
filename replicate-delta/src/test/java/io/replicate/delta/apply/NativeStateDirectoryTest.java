package io.replicate.delta.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class NativeStateDirectoryTest {
    private static final int OPENERS = 4;
    private static final int TRIES = 2_000;

    @TempDir
    private Path dir;

    /** Whoever closes an empty one removes it, with the lock that another may be about to take. */
    @Test
    @Timeout(120)
    void nobodyLocksADirectoryThatSomebodyHas() throws Exception {
        final Path state = dir.resolve("state");
        final AtomicInteger holders = new AtomicInteger();
        final AtomicInteger taken = new AtomicInteger();
        final ExecutorService openers = Executors.newFixedThreadPool(OPENERS);
        try {
            final List<Callable<Void>> all = new ArrayList<>();
            for (int i = 0; i < OPENERS; i++) {
                all.add(() -> {
                    for (int n = 0; n < TRIES; n++) {
                        taken.addAndGet(openOnce(state, holders));
                    }
                    return null;
                });
            }
            for (final Future<Void> done : openers.invokeAll(all)) {
                done.get();
            }
        } finally {
            openers.shutdown();
            assertThat(openers.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(taken).hasPositiveValue();
        assertThat(state).as("the last one removed it").doesNotExist();
    }

    private static int openOnce(final Path state, final AtomicInteger holders) throws IOException {
        try (NativeStateDirectory directory = NativeStateDirectory.open(state)) {
            assertThat(holders.incrementAndGet()).as("holders of the lock").isEqualTo(1);
            assertThat(directory.exists(NativeStateDirectory.LOCK))
                    .as("its lock has a name that the next one finds")
                    .isTrue();
            holders.decrementAndGet();
            return 1;
        } catch (final ReplicationException e) {
            assertThat(e.category()).isEqualTo(ReplicationException.Category.MISUSE);
            return 0;
        }
    }
}
