package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.memory.ZeroSource;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import io.replicate.ring.NodeListener;
import io.replicate.ring.NodeStatus;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.Refuse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A node whose target takes long to open, for it is read again. */
@Timeout(240)
class NodeRunTest {
    private static final long DEVICE_BYTES = 1L << 40;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private final List<String> events = new CopyOnWriteArrayList<>();
    private final CountDownLatch reading = new CountDownLatch(1);

    private static Offer offer() {
        return new Offer(
                ControlMessage.VERSION,
                "session",
                0,
                "node",
                DEVICE_BYTES,
                DEVICE_BYTES,
                true,
                false,
                "/dev/null",
                "image",
                Verify.STREAM.code(),
                4096,
                100,
                1000);
    }

    private NodeSettings settings(final Transport transport) {
        final NodeListener listener = new NodeListener() {
            @Override
            public void progress(final NodeStatus status) {}

            @Override
            public void event(final String text) {
                events.add(text);
            }
        };
        return new NodeSettings(
                transport, LinkGuard.NONE, null, true, directory, true, LIMIT, 8, Duration.ofSeconds(10), listener);
    }

    /** Reads a device that never ends. */
    private NodeSession readOnAndOn(final Offer offer, final StoredDigest.Watch watch) throws IOException {
        for (long offset = 0; ; offset = (offset + ExtentDigest.CHUNK_BYTES) % DEVICE_BYTES) {
            watch.at(offset, DEVICE_BYTES);
            reading.countDown();
            LockSupport.parkNanos(1_000_000); // spares the processor
        }
    }

    private static Wire connect(final Transport transport, final Listener listener) throws IOException {
        final Link link = transport.connect(listener.local(), LIMIT);
        link.timeout(LIMIT);
        return new Wire(link);
    }

    @Test
    void aNodeThatReadsItsDeviceAgainSaysSoHearsOthersAndCanBeStopped() throws Exception {
        final Locator any = Locator.parse("tcp://127.0.0.1:0");
        final Transport transport = Providers.transport(any);
        final Listener listener = transport.listen(any);
        final NodeRun node = new NodeRun(listener, settings(transport), this::readOnAndOn);
        final CompletableFuture<NodeRun.Outcome> end = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return node.run(LIMIT);
                    } catch (final IOException e) {
                        throw new CompletionException(e);
                    }
                },
                work -> new Thread(work, "node").start());
        try (Wire first = connect(transport, listener);
                Wire second = connect(transport, listener)) {
            first.send(offer());
            assertThat(reading.await(60, TimeUnit.SECONDS)).isTrue();
            second.send(offer());
            assertThat(second.receiveControl()).isInstanceOfSatisfying(Refuse.class, refuse -> {
                assertThat(refuse.permanent()).isFalse();
                assertThat(refuse.reason()).contains("reads again");
            });
            assertThat(events).anyMatch(text -> text.contains("reading again what an earlier run left"));

            node.stop();

            assertThat(first.receiveControl())
                    .isInstanceOfSatisfying(
                            Refuse.class,
                            refuse -> assertThat(refuse.permanent())
                                    .as("it may be started again")
                                    .isFalse());
            assertThatThrownBy(() -> end.get(60, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.CANCELLED));
        } finally {
            node.stop();
        }
    }

    @Test
    void whatIsReadAgainIsWatchedBeforeEachBlock() throws Exception {
        final int block = 4096;
        final List<Long> seen = new ArrayList<>();
        try (BlockPool pool = new BlockPool(block, 1);
                ZeroSource source = new ZeroSource("device", 10L * block, true)) {
            assertThatThrownBy(() -> StoredDigest.read(source, 10 * block, pool, (offset, size) -> {
                        assertThat(size).isEqualTo(10 * block);
                        seen.add(offset);
                        if (offset == 2 * block) {
                            throw new IOException("enough");
                        }
                    }))
                    .hasMessage("enough");
            assertThat(pool.lent()).isZero();
        }
        assertThat(seen).containsExactly(0L, (long) block, 2L * block);
    }
}
