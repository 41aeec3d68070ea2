package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The machine crashes: whatever was not made durable is gone. What follows must be a whole copy all the same. */
class CrashTest {
    private static final int MIB = 1 << 20;
    private static final JobId JOB = new JobId("crash");
    private static final int SIZE = 24 * MIB + 333;

    private final byte[] image = ReplicationTest.random(SIZE, 11);

    /** Where the machine stops. */
    enum At {
        BEFORE_FLUSH,
        AFTER_FLUSH,
        BEFORE_CHECKPOINT,
        AFTER_CHECKPOINT,
        DURING_WRITE
    }

    private static final class Crash extends ReplicationException {
        private static final long serialVersionUID = 1L;

        Crash() {
            super(Category.FAIL_JOB, "the machine crashed");
        }
    }

    /** A target and a checkpoint that die together at the n-th event of a kind. */
    private static final class Machine {
        final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
        At at = At.BEFORE_FLUSH;
        volatile boolean dead;
        /** Whether writes wait, after the first few, until progress has been remembered once. */
        volatile boolean remembersBeforeItCrashes;

        void event(final At event) throws IOException {
            if (dead || (event == at && left.decrementAndGet() < 0)) {
                dead = true;
                throw new Crash();
            }
        }

        final MemorySink sink = new MemorySink() {
            @Override
            void onWrite(final Extent unit) throws IOException {
                if (remembersBeforeItCrashes && writes.size() >= 8) {
                    await().atMost(Duration.ofSeconds(30))
                            .until(() -> checkpoint().commits.get() > 1);
                }
                event(At.DURING_WRITE);
            }

            @Override
            void onFlush() throws IOException {
                event(At.BEFORE_FLUSH);
            }

            @Override
            void afterFlush() throws IOException {
                event(At.AFTER_FLUSH);
            }
        };

        final MemoryCheckpoint checkpoint = new MemoryCheckpoint() {
            @Override
            public void commit(final JobId job, final Progress progress) throws IOException {
                event(At.BEFORE_CHECKPOINT);
                super.commit(job, progress);
                event(At.AFTER_CHECKPOINT);
            }
        };

        private MemoryCheckpoint checkpoint() {
            return checkpoint;
        }

        void crashAt(final At where, final int count) {
            at = where;
            left.set(count);
            dead = false;
        }

        void reboot() {
            dead = false;
            left.set(Integer.MAX_VALUE);
            sink.loseWhatIsNotDurable();
            sink.writes.clear();
        }
    }

    private Result run(final MemorySource source, final Machine machine) throws IOException {
        try (Job job = Replication.from(source)
                .to(machine.sink)
                .checkpoint(machine.checkpoint)
                .checkpointEvery(3 * MIB, Duration.ofHours(1))
                .id(JOB)
                .rateBytesPerSecond(200L * MIB)
                .start()) {
            return job.await();
        }
    }

    @ParameterizedTest
    @EnumSource(At.class)
    void aCrashAnywhereLosesNothing(final At at) throws IOException {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final MemorySource source = new MemorySource(image);
        final Machine machine = new Machine();

        for (int i = 0; i < 4; i++) {
            machine.crashAt(at, random.nextInt(at == At.DURING_WRITE ? 20 : 4));
            try {
                run(source, machine);
                break;
            } catch (final ReplicationException e) {
                assertThat(e).as("seed %d", seed).hasMessageContaining("crashed");
            }
            assertThat(machine.sink.committed).as("seed %d", seed).isNull();
            machine.reboot();
        }
        machine.reboot();
        final Result result = machine.sink.committed != null ? null : run(source, machine);

        assertThat(machine.sink.committed).as("seed %d", seed).isEqualTo(image);
        assertThat(machine.checkpoint.kept).as("seed %d", seed).isEmpty();
        if (result != null) {
            assertThat(result.bytes()).as("seed %d", seed).isEqualTo(SIZE);
            assertThat(result.digest()).as("seed %d", seed).isEqualTo(digestOf(image));
            assertThat(result.resumedBytes() + result.carriedBytes())
                    .as("seed %d", seed)
                    .isEqualTo(SIZE);
        }
    }

    private static io.replicate.core.spi.Digest digestOf(final byte[] image) {
        final ExtentDigest digest = new ExtentDigest();
        digest.data(0, java.nio.ByteBuffer.wrap(image));
        return digest.finish();
    }

    @Test
    void whatWasDurableIsNotSentAgain() throws IOException {
        final MemorySource source = new MemorySource(image);
        final Machine machine = new Machine();
        machine.remembersBeforeItCrashes = true;
        machine.crashAt(At.DURING_WRITE, 15);
        assertThatThrownBy(() -> run(source, machine)).hasMessageContaining("crashed");
        final long durableBytes = DoneSet.load(machine.checkpoint.kept.get(JOB)).doneBytes();
        machine.reboot();

        final Result result = run(source, machine);

        assertThat(durableBytes).isPositive();
        assertThat(result.resumedBytes()).isEqualTo(durableBytes);
        assertThat(result.carriedBytes()).isEqualTo(SIZE - durableBytes);
        assertThat(machine.sink.committed).isEqualTo(image);
    }

    @Test
    void theResumeKeyIsDurableBeforeTheTargetIsTouched() {
        final Machine machine = new Machine();
        machine.crashAt(At.BEFORE_CHECKPOINT, 0);

        assertThatThrownBy(() -> run(new MemorySource(image), machine)).hasMessageContaining("crashed");

        assertThat(machine.sink.written).isEmpty();
    }

    @Test
    void aTargetThatIsRefusedLeavesNoCheckpointBehind() {
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        final MemorySink sink = new MemorySink() {
            @Override
            public Session<Extent> begin(final Target target) throws IOException {
                throw ReplicationException.misuse("the target is mounted");
            }
        };

        assertThatThrownBy(() -> {
                    try (Job job = Replication.from(new MemorySource(image))
                            .to(sink)
                            .checkpoint(checkpoint)
                            .id(JOB)
                            .start()) {
                        job.await();
                    }
                })
                .hasMessage("the target is mounted");

        assertThat(checkpoint.commits).hasValue(1);
        assertThat(checkpoint.kept).isEmpty();
    }

    @Test
    void aLostTargetIsCopiedFromTheBeginning() throws IOException {
        final MemorySource source = new MemorySource(image);
        final Machine machine = new Machine();
        machine.remembersBeforeItCrashes = true;
        machine.crashAt(At.DURING_WRITE, 15);
        assertThatThrownBy(() -> run(source, machine)).hasMessageContaining("crashed");
        machine.sink.durable.clear();
        machine.reboot();

        final Result result = run(source, machine);

        assertThat(result.resumedBytes()).isZero();
        assertThat(machine.sink.committed).isEqualTo(image);
    }

    @Test
    void aCrashRightAfterALostTargetWasBegunAgainLosesNothing() throws IOException {
        final MemorySource source = new MemorySource(image);
        final Machine machine = new Machine();
        machine.remembersBeforeItCrashes = true;
        machine.crashAt(At.DURING_WRITE, 15);
        assertThatThrownBy(() -> run(source, machine)).hasMessageContaining("crashed");
        machine.sink.durable.clear();
        machine.reboot();
        // The target is there, empty, and the checkpoint still remembers the lost one.
        machine.crashAt(At.BEFORE_CHECKPOINT, 0);
        assertThatThrownBy(() -> run(source, machine)).hasMessageContaining("crashed");
        machine.reboot();

        run(source, machine);

        assertThat(machine.sink.committed).isEqualTo(image);
    }

    @Test
    void aChangedSourceIsCopiedFromTheBeginning() throws IOException {
        final MemorySource source = new MemorySource(image);
        final Machine machine = new Machine();
        machine.remembersBeforeItCrashes = true;
        machine.crashAt(At.DURING_WRITE, 15);
        assertThatThrownBy(() -> run(source, machine)).hasMessageContaining("crashed");
        machine.reboot();
        final byte[] changed = image.clone();
        Arrays.fill(changed, 0, 5 * MIB, (byte) 7);
        final MemorySource other = new MemorySource(changed);
        other.revision = new Revision("2");

        final Result result = run(other, machine);

        assertThat(result.resumedBytes()).isZero();
        assertThat(machine.sink.committed).isEqualTo(changed);
    }

    @Test
    void aStoppedJobGoesOnWhereItWasStopped() throws Exception {
        final Machine machine = new Machine();
        final MemorySource source = new MemorySource(image);
        final Job job = Replication.from(source)
                .to(machine.sink)
                .checkpoint(machine.checkpoint)
                .id(JOB)
                .rateBytesPerSecond(4 * MIB) // there is time to stop it
                .start();
        await().atMost(Duration.ofSeconds(60)).until(() -> job.progress().bytes() > 2 * MIB);
        job.close();
        final long stoppedAt = job.progress().bytes();
        machine.sink.loseWhatIsNotDurable();

        final Result result = run(source, machine);

        assertThatThrownBy(job::await)
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                        .isEqualTo(ReplicationException.Category.CANCELLED));
        assertThat(result.resumedBytes()).isEqualTo(stoppedAt);
        assertThat(machine.sink.committed).isEqualTo(image);
    }

    @Test
    void aFailedFlushIsFinalAndNothingIsRemembered() {
        final Machine machine = new Machine();
        machine.crashAt(At.BEFORE_FLUSH, 0);
        final AtomicInteger flushes = new AtomicInteger();
        final MemorySink sink = new MemorySink() {
            @Override
            void onFlush() throws IOException {
                flushes.incrementAndGet();
                throw ReplicationException.fail("fdatasync: EIO", null);
            }
        };

        assertThatThrownBy(() -> {
                    try (Job job = Replication.from(new MemorySource(image))
                            .to(sink)
                            .checkpoint(machine.checkpoint)
                            .checkpointEvery(MIB, Duration.ofHours(1))
                            .id(JOB)
                            .rateBytesPerSecond(50L * MIB)
                            .start()) {
                        job.await();
                    }
                })
                .hasMessageContaining("EIO");

        assertThat(flushes).hasValue(1);
        assertThat(machine.checkpoint.commits).hasValue(1);
    }
}
