package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.BlockPool;
import io.replicate.core.file.FileCheckpoint;
import io.replicate.core.file.FileSink;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small copy with the right order of durability survives the fixtures; one with the wrong order is caught. */
class PowerFailureTest {
    private static final JobId JOB = new JobId("copy1");
    private static final int EVERY = 3;

    @TempDir
    Path directory = Path.of("");

    private final byte[] image = Images.sparse(1 << 20, new Random(5));

    private Path target() {
        return directory.resolve("target");
    }

    private void copy(final PowerFailure power, final boolean rightOrder) throws IOException {
        try (Checkpoint checkpoint = new FaultyCheckpoint(FileCheckpoint.inFile(directory.resolve("ckpt")), power);
                Sink<Extent> sink = new FaultySink(new FileSink(target(), false), power);
                Session<Extent> session = sink.begin(Target.ofSize(image.length).resumable(JOB.value()));
                BlockPool pool = new BlockPool(64 << 10, 1)) {
            int done = checkpoint.load(JOB).map(PowerFailureTest::done).orElse(0);
            if (!session.resumed() && done > 0) {
                checkpoint.forget(JOB);
                done = 0;
            }
            final List<Extent> extents = Images.extents(image, Extent.Kind.HOLE);
            for (; done < extents.size(); done++) {
                Images.write(session, pool, image, extents.get(done));
                if (done % EVERY == 0) {
                    if (rightOrder) {
                        session.flush();
                    }
                    checkpoint.commit(JOB, progress(done + 1));
                    if (!rightOrder) {
                        session.flush();
                    }
                }
            }
            session.commit(Revision.NONE);
            checkpoint.forget(JOB);
        }
    }

    private static Progress progress(final int done) {
        return new Progress(Map.of("done", ByteBuffer.allocate(4).putInt(done).array()));
    }

    private static int done(final Progress progress) {
        return ByteBuffer.wrap(progress.values().get("done")).getInt();
    }

    private int steps(final boolean rightOrder) throws IOException {
        final PowerFailure count = PowerFailure.never();
        copy(count, rightOrder);
        Files.delete(target());
        return count.steps().size();
    }

    /** Returns at how many moments a failure leaves a target that is wrong after the second run. */
    private int wrongTargets(final boolean rightOrder) throws IOException {
        final long seed = Seeds.next("PowerFailureTest");
        final int steps = steps(rightOrder);
        int wrong = 0;
        for (int step = 0; step < steps; step++) {
            final PowerFailure failure = PowerFailure.at(step, seed + step);
            assertThatThrownBy(() -> copy(failure, rightOrder)).isInstanceOf(PowerFailure.PowerIsOff.class);

            copy(PowerFailure.never(), rightOrder);

            wrong += Arrays.equals(Files.readAllBytes(target()), image) ? 0 : 1;
            Files.delete(target());
        }
        return wrong;
    }

    @Test
    void dataFlushCheckpointSurvivesAFailureAtEveryMoment() throws Exception {
        assertThat(wrongTargets(true)).isZero();
    }

    @Test
    void aCheckpointBeforeTheFlushIsCaught() throws Exception {
        assertThat(wrongTargets(false)).isPositive();
    }

    @Test
    void aFullDiskFailsTheWriteThatDoesNotFit() throws Exception {
        try (Sink<Extent> sink = new FullDisk(new FileSink(target(), false), 100_000);
                Session<Extent> session = sink.begin(Target.ofSize(1 << 20));
                BlockPool pool = new BlockPool(64 << 10, 1)) {
            Images.write(session, pool, image, Extent.data(0, 60_000));
            assertThatThrownBy(() -> Images.write(session, pool, image, Extent.data(60_000, 60_000)))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(Category.FAIL_JOB))
                    .hasMessageContaining("ENOSPC");
            assertThat(pool.lent()).isZero();
        }
    }
}
