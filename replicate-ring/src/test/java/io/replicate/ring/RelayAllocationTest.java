package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.netty.util.ResourceLeakDetector;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a node in the middle allocates for the data that it passes on: under 1 MiB for each GiB, over all its threads,
 * whether the kernel moves the bytes to a file or they pass through blocks. Not over TLS, whose engine in the JDK
 * allocates a quarter of what it moves. The source stands still twice, so both readings are taken of living threads and
 * nothing is moving meanwhile.
 */
@Timeout(240)
@Isolated // the detection of leaks, which allocates for each block, is off meanwhile
@Execution(ExecutionMode.SAME_THREAD)
class RelayAllocationTest {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final long MIB = 1L << 20;
    private static final long WARM = 32 * MIB;
    private static final long MEASURED = Integer.getInteger("relay.measured.mib", 128) * MIB;
    private static final long ALLOWED = MIB * MEASURED / (1L << 30);

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
    private Path directory = Path.of("");

    @BeforeEach
    void makeImage() throws IOException {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        final Path memory = Path.of("/dev/shm");
        directory = Files.isWritable(memory)
                ? Files.createTempDirectory(memory, "replicate-relay")
                : Files.createTempDirectory("replicate-relay");
        final byte[] piece = new byte[(int) MIB];
        new Random(1).nextBytes(piece);
        try (OutputStream out = Files.newOutputStream(directory.resolve("image"))) {
            for (long done = 0; done < WARM + MEASURED + MIB; done += MIB) {
                out.write(piece);
            }
        }
    }

    @AfterEach
    void removeImage() throws IOException {
        ResourceLeakDetector.setLevel(level);
        try (Stream<Path> files = Files.walk(directory)) {
            for (final Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** A file that is read up to a gate. */
    private static final class GatedFile implements Source<Extent> {
        private final Source<Extent> file;
        private long gate = WARM;

        @SuppressWarnings("unchecked") // file: is a source of extents
        GatedFile(final Path path) throws IOException {
            file = (Source<Extent>) Providers.source(Locator.file(path.toString()));
        }

        synchronized void open(final long offset) {
            gate = offset;
            notifyAll();
        }

        @Override
        public Geometry geometry() {
            return file.geometry();
        }

        @Override
        public Plan<Extent> plan(final Selection selection) throws IOException {
            return file.plan(selection);
        }

        @Override
        public int read(final Extent unit, final Block into) throws IOException {
            synchronized (this) {
                while (unit.offset() >= gate) {
                    try {
                        wait();
                    } catch (final InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw ReplicationException.retry("interrupted", e);
                    }
                }
            }
            return file.read(unit, into);
        }

        @Override
        public Optional<FileSlice> slice(final Extent unit) {
            return file.slice(unit);
        }

        @Override
        public void close() throws IOException {
            open(Long.MAX_VALUE);
            file.close();
        }
    }

    private static CompletableFuture<RingNode.Outcome> start(final RingNode node, final String name) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try (node) {
                        return node.run(LIMIT);
                    } catch (final IOException e) {
                        throw new IllegalStateException(e);
                    }
                },
                work -> new Thread(work, "run-" + name).start());
    }

    private static String address(final RingNode node) {
        return node.local().rest().replaceFirst("^//", "");
    }

    /** Returns what each thread of the first node has allocated; who feeds the second node is one of them. */
    private Map<String, Long> allocated(final String first, final String second) {
        final List<String> names =
                List.of("ring-receive-" + first, "ring-store-" + first, "ring-status-" + first, "ring-send-" + second);
        return Stream.of(threads.getThreadInfo(threads.getAllThreadIds()))
                .filter(thread -> thread != null && names.contains(thread.getThreadName()))
                .collect(Collectors.toMap(
                        thread -> thread.getThreadName() + "#" + thread.getThreadId(),
                        thread -> threads.getThreadAllocatedBytes(thread.getThreadId())));
    }

    @ParameterizedTest
    @CsvSource({"STREAM, file", "NONE, file", "STREAM, null", "NONE, null"})
    void aMiddleNodeAllocatesUnderOneMebibyteForEachGibibyte(final Verify verify, final String kind) throws Exception {
        try (RingNode first =
                        RingNode.builder("tcp://127.0.0.1:0").resumable(false).open();
                RingNode second =
                        RingNode.builder("tcp://127.0.0.1:0").resumable(false).open();
                GatedFile source = new GatedFile(directory.resolve("image"));
                RingServer server = RingServer.builder(
                                source, "image", kind.equals("null") ? "null:" : directory + "/copy-%i")
                        .nodes(List.of(address(first), address(second)))
                        .verify(verify)
                        .open()) {
            final var ends = List.of(start(first, "first"), start(second, "second"));
            final CompletableFuture<List<NodeReport>> run = CompletableFuture.supplyAsync(
                    () -> {
                        try {
                            return server.run();
                        } catch (final IOException e) {
                            throw new IllegalStateException(e);
                        }
                    },
                    work -> new Thread(work, "server").start());
            awaitReceived(server, run, WARM);
            final Map<String, Long> before = allocated(address(first), address(second));
            source.open(WARM + MEASURED);
            awaitReceived(server, run, WARM + MEASURED);
            final Map<String, Long> after = allocated(address(first), address(second));
            source.open(Long.MAX_VALUE);
            assertThat(run.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .allMatch(report -> report.state() == NodeState.DONE);
            assertThat(ends).allMatch(end -> end.join().ok());

            assertThat(after.keySet()).isEqualTo(before.keySet()).hasSize(4);
            after.replaceAll((thread, bytes) -> bytes - before.getOrDefault(thread, 0L));
            final long all = after.values().stream().mapToLong(bytes -> bytes).sum();
            assertThat(all).as("bytes for each thread: %s", after).isLessThan(ALLOWED);
        }
    }

    private static void awaitReceived(
            final RingServer server, final CompletableFuture<List<NodeReport>> run, final long position) {
        await().atMost(LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() ->
                        run.isDone() || server.reports().stream().allMatch(report -> report.received() >= position));
    }
}
