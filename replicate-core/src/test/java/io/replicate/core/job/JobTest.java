package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.netty.util.ResourceLeakDetector;
import io.replicate.core.block.Block;
import io.replicate.core.file.FileSink;
import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class JobTest {
    private static final int MIB = 1 << 20;
    private final byte[] image = ReplicationTest.random(9 * MIB + 5, 21);

    private static Result run(final Replication replication) throws IOException {
        try (Job job = replication.start()) {
            return job.await();
        }
    }

    @Test
    void transientFailuresAreRetriedPerBlock() throws IOException {
        final ConcurrentHashMap<Long, Integer> reads = new ConcurrentHashMap<>();
        final ConcurrentHashMap<Long, Integer> writeAttempts = new ConcurrentHashMap<>();
        final MemorySource source = new MemorySource(image) {
            @Override
            public int read(final Extent unit, final Block into) throws IOException {
                if (reads.merge(unit.offset(), 1, Integer::sum) == 1 && unit.offset() % (2 * MIB) == 0) {
                    throw ReplicationException.retry("the peer is away", null);
                }
                return super.read(unit, into);
            }
        };
        final MemorySink sink = new MemorySink() {
            @Override
            void onWrite(final Extent unit) throws IOException {
                if (writeAttempts.merge(unit.offset(), 1, Integer::sum) == 1 && unit.offset() % (3 * MIB) == 0) {
                    throw ReplicationException.retry("the peer is away", null);
                }
            }
        };

        run(Replication.from(source).to(sink));

        assertThat(sink.committed).isEqualTo(image);
        assertThat(reads.values()).allMatch(n -> n <= 2);
    }

    @Test
    void aPeerThatStaysAwayEndsTheJobWhenItsBudgetIsSpent() {
        final MemorySource source = new MemorySource(image) {
            @Override
            public int read(final Extent unit, final Block into) throws IOException {
                throw ReplicationException.retry("the peer is away", null);
            }
        };

        assertThatThrownBy(
                        () -> run(Replication.from(source).to(new MemorySink()).retryFor(Duration.ofMillis(300))))
                .hasMessageContaining("the peer is away (given up");
    }

    @Test
    void aFailingWriteEndsAllAndGivesEveryBlockBack() throws Exception {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        final MemorySink sink = new MemorySink() {
            @Override
            void onWrite(final Extent unit) throws IOException {
                if (unit.offset() >= 4 * MIB) {
                    throw ReplicationException.fail("pwrite: ENOSPC", null);
                }
            }
        };

        final ThreadGroup threads = new ThreadGroup("one job's"); // other tests have jobs meanwhile
        final FutureTask<Throwable> failure = new FutureTask<>(() -> catchThrowable(
                () -> run(Replication.from(new MemorySource(image)).to(sink))));
        new Thread(threads, failure).start();
        assertThat(failure.get()).hasMessageContaining("ENOSPC");
        assertThat(sink.committed).isNull();
        await().atMost(Duration.ofSeconds(60)).until(() -> threads.activeCount() == 0);
    }

    @Test
    void anErrorInABackendIsAFailureAndNotAHang() {
        final MemorySink sink = new MemorySink() {
            @Override
            void onWrite(final Extent unit) {
                throw new OutOfMemoryError("Direct buffer memory");
            }
        };

        assertThatThrownBy(() -> run(Replication.from(new MemorySource(image)).to(sink)))
                .hasMessageContaining("Direct buffer memory");
    }

    @Test
    void cancellingStopsAtTheNextBlockAlsoWhenThrottled() throws Exception {
        final MemorySink sink = new MemorySink();
        try (Job job = Replication.from(new MemorySource(image))
                .to(sink)
                .rateBytesPerSecond(1)
                .start()) {
            job.cancel();

            assertThatThrownBy(job::await)
                    .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                            .isEqualTo(ReplicationException.Category.CANCELLED));
            assertThat(job.progress().phase()).isEqualTo(Phase.CANCELLED);
        }
        assertThat(sink.committed).isNull();
    }

    @Test
    void theRateCanBeChangedWhileItRuns() throws IOException {
        final MemorySink sink = new MemorySink();
        try (Job job = Replication.from(new MemorySource(image))
                .to(sink)
                .rateBytesPerSecond(1)
                .start()) {
            assertThat(job.await(Duration.ofMillis(50))).isEmpty();

            job.rateBytesPerSecond(Throttle.UNLIMITED);

            assertThat(job.await().bytes()).isEqualTo(image.length);
        }
        assertThat(sink.committed).isEqualTo(image);
    }

    @Test
    void aListenerThatThrowsDoesNotTouchTheJob() throws IOException {
        final AtomicInteger calls = new AtomicInteger();

        final Result result = run(
                Replication.from(new MemorySource(image)).to(new MemorySink()).listener(snapshot -> {
                    calls.incrementAndGet();
                    throw new IllegalStateException("broken bar");
                }));

        assertThat(result.bytes()).isEqualTo(image.length);
        assertThat(calls.get()).isPositive();
    }

    @Test
    void theListenerHearsEveryPhaseAndAProgressThatOnlyGrows() throws IOException {
        final List<ProgressSnapshot> heard = Collections.synchronizedList(new ArrayList<>());

        run(Replication.from(new MemorySource(image))
                .to(new MemorySink())
                .rateBytesPerSecond(20 * MIB)
                .listener(heard::add));

        assertThat(heard).extracting(ProgressSnapshot::phase).contains(Phase.COPYING, Phase.COMMITTING, Phase.DONE);
        assertThat(heard).extracting(ProgressSnapshot::bytes).isSorted();
        final ProgressSnapshot last = heard.get(heard.size() - 1);
        assertThat(last.phase()).isEqualTo(Phase.DONE);
        assertThat(last.bytes()).isEqualTo(image.length);
        assertThat(last.fraction()).isEqualTo(1);
    }

    @Test
    void twoJobsRunAtOnce() throws IOException {
        final CountDownLatch bothRead = new CountDownLatch(2);
        final List<MemorySink> sinks = List.of(new MemorySink(), new MemorySink());
        final List<Job> jobs = new ArrayList<>();
        for (final MemorySink sink : sinks) {
            final MemorySource source = new MemorySource(image) {
                private final AtomicInteger reads = new AtomicInteger();

                @Override
                public int read(final Extent unit, final Block into) throws IOException {
                    if (reads.getAndIncrement() == 0) {
                        bothRead.countDown();
                        awaitBoth();
                    }
                    return super.read(unit, into);
                }

                private void awaitBoth() {
                    try {
                        assertThat(bothRead.await(30, java.util.concurrent.TimeUnit.SECONDS))
                                .isTrue();
                    } catch (final InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
            };
            jobs.add(Replication.from(source).to(sink).start());
        }

        for (final Job job : jobs) {
            try (job) {
                job.await();
            }
        }

        assertThat(sinks).allSatisfy(sink -> assertThat(sink.committed).isEqualTo(image));
    }

    @Test
    void smallMaximaAndLargeMinimaOfBothEndsAreKept() throws IOException {
        final List<Extent> reads = Collections.synchronizedList(new ArrayList<>());
        final MemorySource source =
                new MemorySource(
                        image,
                        List.of(Extent.data(0, 100), Extent.hole(100, 700), Extent.data(800, image.length - 800)),
                        new Geometry(image.length, 1, 4096, 100_000, false, false)) {
                    @Override
                    public int read(final Extent unit, final Block into) throws IOException {
                        reads.add(unit);
                        return super.read(unit, into);
                    }
                };
        java.util.Arrays.fill(image, 100, 800, (byte) 0);
        final MemorySink sink = new MemorySink(new Geometry(Unit.UNKNOWN, 512, 4096, 1 << 20, false, false));

        run(Replication.from(source).to(sink));

        assertThat(sink.committed).isEqualTo(image);
        assertThat(reads).allMatch(r -> r.offset() % 512 == 0 && r.length() <= 65536);
        assertThat(sink.writes).allMatch(w -> w.offset() % 512 == 0);
    }

    @Test
    void blocksThatNoEndCanAgreeOnAreMisuse() {
        final MemorySource source = new MemorySource(image, List.of(), new Geometry(0, 1, 512, 512, false, false));
        final MemorySink sink = new MemorySink(new Geometry(Unit.UNKNOWN, 4096, 4096, 4096, false, false));

        assertMisuse(Replication.from(source).to(sink), "no block size in common");
    }

    @Test
    void aTargetThatIsNoLocatorIsProvenThroughItsSession(@TempDir final Path directory) throws IOException {
        final FileSink sink = new FileSink(directory.resolve("to.img"));

        final Result result =
                run(Replication.from(new MemorySource(image)).to(sink).verify(true));

        assertThat(result.verified()).isTrue();
        assertThat(directory.resolve("to.img")).hasBinaryContent(image);
    }

    @Test
    void aVolumeIsCopiedIntoAnother() throws IOException {
        final MemoryVolume volume = new MemoryVolume("v", image.length + 4096);
        volume.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3}), Set.of());
        java.util.Arrays.fill(image, 3 * MIB, 5 * MIB, (byte) 0);

        final Result result = run(Replication.from(new MemorySource(image)).to(volume));

        final ByteBuffer found = ByteBuffer.allocate(image.length);
        volume.read(0, found);
        assertThat(found.array()).isEqualTo(image);
        assertThat(result.committed()).isEqualTo(Committed.IN_PLACE);
        assertMisuse(Replication.from(new MemorySource(new byte[20 * MIB])).to(volume), "take a larger one");
    }

    @Test
    void withoutSparseZerosAreWrittenAsData() throws IOException {
        final byte[] zeros = new byte[3 * MIB];
        final MemorySink sink = new MemorySink();

        final Result result =
                run(Replication.from(new MemorySource(zeros)).to(sink).sparse(false));

        assertThat(sink.writes).allMatch(Extent::hasData);
        assertThat(result.carriedBytes()).isEqualTo(3 * MIB);
        assertThat(sink.committed).isEqualTo(zeros);
    }

    @Test
    void senselessDescriptionsAreMisuseBeforeAnythingHappens() {
        final MemorySource source = new MemorySource(image);
        final MemorySource stream = new MemorySource(image, List.of(), Geometry.stream());
        assertMisuse(Replication.from(source), "needs a target");
        assertMisuse(Replication.from(source).to(new MemorySink()).verify(true), "cannot be read back");
        assertMisuse(
                Replication.from(source).to(new MemorySink()).checkpoint(new MemoryCheckpoint()), "needs a job id");
        assertMisuse(
                Replication.from(stream)
                        .to(new MemorySink())
                        .checkpoint(new MemoryCheckpoint())
                        .id(new JobId("a")),
                "a stream cannot be resumed");
        assertMisuse(Replication.from(source).to(new MemorySink()).continueOnError(true), "without the blocks");
        assertMisuse(Replication.from(source).to(new MemorySink()).memoryBytes(4096), "less than one block");
    }

    private static void assertMisuse(final Replication replication, final String message) {
        assertThatThrownBy(() -> run(replication.selection(Selection.ALL)))
                .hasMessageContaining(message)
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.MISUSE));
    }
}
