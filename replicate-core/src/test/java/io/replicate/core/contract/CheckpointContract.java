package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The behaviour of every {@link Checkpoint}. Extend it, say how yours is opened, and run it with JUnit. */
@Timeout(240)
public abstract class CheckpointContract {
    private static final JobId JOB = new JobId("job1");
    private static final JobId OTHER = new JobId("job2");

    private final List<Checkpoint> opened = new ArrayList<>();

    /** Opens the checkpoint of this test: every call sees what the former has committed. Closed behind the test. */
    protected abstract Checkpoint open() throws Exception;

    /** Returns whether several jobs may use the same checkpoint. */
    protected boolean holdsManyJobs() {
        return true;
    }

    @AfterEach
    final void closeAll() throws Exception {
        for (final Checkpoint checkpoint : opened) {
            checkpoint.close();
        }
    }

    private Checkpoint checkpoint() throws Exception {
        final Checkpoint checkpoint = open();
        opened.add(checkpoint);
        return checkpoint;
    }

    private static Progress progress(final String key, final byte[] value) {
        return new Progress(Map.of(key, value));
    }

    private static Progress progress(final String text) {
        return progress("offset", text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertSame(final Progress actual, final Progress expected) {
        assertThat(actual.values().keySet()).isEqualTo(expected.values().keySet());
        expected.values()
                .forEach((key, value) ->
                        assertThat(actual.values().get(key)).as(key).isEqualTo(value));
    }

    @Test
    final void anUnknownJobHasNoProgress() throws Exception {
        assertThat(checkpoint().load(JOB)).isEmpty();
    }

    @Test
    final void whatWasCommittedIsThereAfterReopening() throws Exception {
        final Map<String, byte[]> values = new HashMap<>();
        values.put("empty", new byte[0]);
        values.put("offset", new byte[] {0, 1, -1});
        final byte[] bitmap = new byte[1 << 20];
        new Random(1).nextBytes(bitmap);
        values.put("done-1.bitmap", bitmap);
        checkpoint().commit(JOB, new Progress(values));

        assertSame(checkpoint().load(JOB).orElseThrow(), new Progress(values));
    }

    @Test
    final void progressWithoutValuesIsProgress() throws Exception {
        checkpoint().commit(JOB, new Progress(Map.of()));

        assertSame(checkpoint().load(JOB).orElseThrow(), new Progress(Map.of()));
    }

    @Test
    final void aCommitReplacesTheFormerAsAWhole() throws Exception {
        final Checkpoint checkpoint = checkpoint();
        checkpoint.commit(JOB, progress("long-gone", new byte[100_000]));
        checkpoint.commit(JOB, progress("now"));

        assertSame(checkpoint.load(JOB).orElseThrow(), progress("now"));
        assertSame(checkpoint().load(JOB).orElseThrow(), progress("now"));
    }

    @Test
    final void laterChangesOfTheCallersArraysDoNotReachIt() throws Exception {
        final Checkpoint checkpoint = checkpoint();
        final byte[] mine = {1, 2, 3};
        checkpoint.commit(JOB, progress("a", mine));
        Arrays.fill(mine, (byte) 9);
        final Progress loaded = checkpoint.load(JOB).orElseThrow();
        assertThat(loaded.values().get("a")).containsExactly(1, 2, 3);
        Arrays.fill(loaded.values().get("a"), (byte) 9);

        assertThat(checkpoint.load(JOB).orElseThrow().values().get("a")).containsExactly(1, 2, 3);
    }

    @Test
    final void aForgottenJobHasNoProgressAndCanBeginAgain() throws Exception {
        final Checkpoint checkpoint = checkpoint();
        checkpoint.commit(JOB, progress("x"));

        checkpoint.forget(JOB);
        checkpoint.forget(JOB);
        assertThat(checkpoint.load(JOB)).isEmpty();
        assertThat(checkpoint().load(JOB)).isEmpty();

        checkpoint.commit(JOB, progress("y"));
        assertSame(checkpoint().load(JOB).orElseThrow(), progress("y"));
    }

    @Test
    final void jobsDoNotSeeEachOther() throws Exception {
        Assumptions.assumeTrue(holdsManyJobs(), "does not apply: holds one job");
        final Checkpoint checkpoint = checkpoint();
        checkpoint.commit(JOB, progress("1"));
        checkpoint.commit(OTHER, progress("2"));

        assertSame(checkpoint.load(JOB).orElseThrow(), progress("1"));
        assertSame(checkpoint.load(OTHER).orElseThrow(), progress("2"));
        checkpoint.forget(JOB);
        assertSame(checkpoint().load(OTHER).orElseThrow(), progress("2"));
    }

    @Test
    final void ofConcurrentCommitsOneIsThereAsAWhole() throws Exception {
        final Checkpoint checkpoint = checkpoint();
        final ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            final List<Future<?>> writers = new ArrayList<>();
            for (int writer = 0; writer < 4; writer++) {
                final byte[] value = new byte[10_000 + writer];
                Arrays.fill(value, (byte) writer);
                writers.add(threads.submit(() -> {
                    for (int i = 0; i < 5; i++) {
                        checkpoint.commit(JOB, progress("value", value));
                    }
                    return null;
                }));
            }
            for (final Future<?> writer : writers) {
                writer.get(30, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }

        final byte[] value = checkpoint().load(JOB).orElseThrow().values().get("value");
        final byte[] expected = new byte[10_000 + value[0]];
        Arrays.fill(expected, value[0]);
        assertThat(value).isEqualTo(expected);
    }
}
