package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A node of ours that dies or freezes in the middle of the data: those behind it go on with the node before it. */
class TakeoverTest {
    private static final int BYTES = 60_000_000;
    private static final int SMALL_BUFFERS = 64 << 10;

    @TempDir
    Path directory;

    private DollyRing ring;
    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        ring = new DollyRing(directory);
    }

    @AfterEach
    void close() throws Exception {
        for (final AutoCloseable each : open) {
            each.close();
        }
        ring.close();
    }

    /** A client that takes the first bytes and then none, until the latch is open: so all before it are in the middle. */
    private DollyOptions.Builder heldBack(final CountDownLatch latch, final int idleSeconds) {
        return ring.options()
                .socketBufferBytes(SMALL_BUFFERS)
                .waits(Duration.ofSeconds(30), Duration.ofSeconds(idleSeconds), Duration.ofSeconds(20))
                .listener(new DollyListener() {
                    @Override
                    public void moved(final boolean sending, final long bytes) {
                        try {
                            latch.await(60, TimeUnit.SECONDS);
                        } catch (final InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }
                });
    }

    @ParameterizedTest
    @CsvSource({"1,KILL", "2,KILL", "1,STOP"})
    void nodesBehindADeadOneGoOnAndProveTheirCopies(final int dead, final String signal) throws Exception {
        final int idle = 4;
        final byte[] content = DollyRing.content(BYTES);
        final Path source = ring.file("in", content);
        final CountDownLatch latch = new CountDownLatch(1);
        final List<CompletableFuture<DollyReport>> clients = new ArrayList<>();
        final NodeProcess victim = NodeProcess.start(ring, dead, idle);
        open.add(victim);
        for (int i = 1; i <= 4; i++) {
            if (i != dead) {
                clients.add(ring.client(i, heldBack(i == 3 ? latch : new CountDownLatch(0), idle)));
            }
        }
        final CompletableFuture<DollyReport> server = ring.server(
                DollyConfig.of(source.toString(), "/out", "s", DollyRing.names(4)),
                heldBack(new CountDownLatch(0), idle));
        victim.awaitData();
        victim.signal(signal);
        latch.countDown();

        final DollyReport report = DollyRing.get(server);

        for (final DollyNode node : report.nodes()) {
            final boolean lost = node.name().equals("n" + dead);
            assertThat(node.state())
                    .as(node.toString())
                    .isEqualTo(lost ? DollyNode.State.FAILED : DollyNode.State.PROVEN);
        }
        assertThat(report.nodes()).hasSize(4);
        for (final CompletableFuture<DollyReport> client : clients) {
            assertThat(DollyRing.get(client).digest()).isEqualTo(report.digest());
        }
        for (int i = 1; i <= 4; i++) {
            if (i == dead) {
                assertThat(ring.target(i)).doesNotExist();
            } else {
                assertThat(Files.readAllBytes(ring.target(i))).isEqualTo(content);
            }
        }
    }

    @Test
    void twoNeighboursMayDieAtOnce() throws Exception {
        final byte[] content = DollyRing.content(BYTES);
        final Path source = ring.file("in", content);
        final CountDownLatch latch = new CountDownLatch(1);
        final NodeProcess second = NodeProcess.start(ring, 2, 4);
        open.add(second);
        final NodeProcess third = NodeProcess.start(ring, 3, 4);
        open.add(third);
        final CompletableFuture<DollyReport> first = ring.client(1, heldBack(new CountDownLatch(0), 4));
        final CompletableFuture<DollyReport> fourth = ring.client(4, heldBack(latch, 4));
        final CompletableFuture<DollyReport> server = ring.server(
                DollyConfig.of(source.toString(), "/out", "s", DollyRing.names(4)), heldBack(new CountDownLatch(0), 4));
        third.awaitData();
        second.signal("KILL");
        third.signal("KILL");
        latch.countDown();

        assertThat(DollyRing.get(server).nodes())
                .extracting(DollyNode::state)
                .containsExactly(
                        DollyNode.State.PROVEN, DollyNode.State.FAILED, DollyNode.State.FAILED, DollyNode.State.PROVEN);
        DollyRing.get(first);
        DollyRing.get(fourth);
        assertThat(Files.readAllBytes(ring.target(4))).isEqualTo(content);
    }
}
