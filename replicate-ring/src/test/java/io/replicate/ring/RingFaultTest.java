package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.replicate.core.contract.Seeds;
import io.replicate.core.file.FileSource;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings of four nodes, to one of which something happens: the others get their copies all the same. */
@Timeout(240)
class RingFaultTest {
    private static final int SIZE_BYTES = 2_000_003;
    private static final int HALF = SIZE_BYTES / 2;

    private final Random random = Seeds.random("RingFaultTest");
    private final byte[] image = new byte[SIZE_BYTES];
    private GatedSource source = new GatedSource(image, 0, false);

    @TempDir
    private Path directory;

    private TestRing ringOf(final int nodes) throws Exception {
        return ringOf(nodes, HALF, false);
    }

    /** Starts nodes; the source is read up to the gate. */
    private TestRing ringOf(final int nodes, final long gate, final boolean sequential) throws Exception {
        random.nextBytes(image);
        source = new GatedSource(image, gate, sequential);
        return new TestRing(directory).deadAfter(Duration.ofSeconds(3)).join(nodes);
    }

    private static Integer[] allBut(final int count, final int... without) {
        return IntStream.rangeClosed(1, count)
                .filter(n -> IntStream.of(without).noneMatch(w -> w == n))
                .boxed()
                .toArray(Integer[]::new);
    }

    private void openAfterReceiving(final TestRing ring, final int... nodes) {
        for (final int node : nodes) {
            ring.awaitReceived(node, HALF - 2L * TestRing.BLOCK_BYTES);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "4,1", "1,2", "2,2", "4,2"})
    void aNodeThatIsKilledWhileSendingIsBypassed(final int victim, final int fanout) throws Exception {
        try (TestRing ring = ringOf(4)) {
            ring.serve(source, ring.fileTarget(), s -> s.fanout(fanout));
            openAfterReceiving(ring, 1, 2, 3, 4);
            ring.node(victim).kill();
            source.openAll();

            ring.assertCopies(image, allBut(4, victim));
            assertThat(ring.report(victim).failedAt()).isBetween(HALF - 3L * TestRing.BLOCK_BYTES, (long) HALF);
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "4,1", "1,2"})
    void aNodeThatFreezesWhileSendingIsBypassed(final int victim, final int fanout) throws Exception {
        try (TestRing ring = ringOf(4)) {
            ring.serve(source, ring.fileTarget(), s -> s.fanout(fanout));
            openAfterReceiving(ring, 1, 2, 3, 4);
            ring.net.freeze("n" + victim);
            source.openAll();

            ring.assertCopies(image, allBut(4, victim));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aNodeThatIsNotThereDelaysTheRingByTheMaximalWaitOnly(final int victim) throws Exception {
        try (TestRing ring = ringOf(3, Long.MAX_VALUE, false)) {
            ring.node(victim).kill();
            ring.serve(source, ring.fileTarget(), s -> s.maxWait(Duration.ofSeconds(4)));
            final List<NodeReport> reports = ring.reports();

            assertThat(reports.get(victim - 1).state()).isEqualTo(NodeState.CONNECTING);
            assertThat(reports.get(victim - 1).reason()).contains("no route to host");
            for (final int other : allBut(3, victim)) {
                assertThat(reports.get(other - 1).state()).isEqualTo(NodeState.DONE);
                assertThat(ring.node(other).copy()).isEqualTo(image);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aNodeThatFreezesWhileTheRingFormsIsLeftOut(final int victim) throws Exception {
        try (TestRing ring = ringOf(3, Long.MAX_VALUE, false)) {
            ring.net.freeze("n" + victim);
            ring.serve(source, ring.fileTarget(), s -> s.maxWait(Duration.ofSeconds(4)));
            for (final int other : allBut(3, victim)) {
                ring.awaitState(other, NodeState.DONE);
            }
            final List<NodeReport> reports = ring.reports();
            assertThat(reports.get(victim - 1).state()).isNotEqualTo(NodeState.DONE);
            ring.net.thaw();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aNodeThatIsLostAfterItHasAcceptedIsLeftOut(final int victim) throws Exception {
        try (TestRing ring = ringOf(3, Long.MAX_VALUE, false)) {
            final TestRing.Member late = ring.join(options -> {});
            late.kill();
            ring.serve(
                    source,
                    ring.fileTarget(),
                    s -> s.maxWait(Duration.ofSeconds(8))); // the kill must come before its end
            for (int node = 1; node <= 3; node++) {
                ring.awaitState(node, NodeState.READY);
            }
            ring.node(victim).kill();
            ring.awaitState(victim, NodeState.LOST);
            for (final int other : allBut(3, victim)) {
                ring.awaitState(other, NodeState.DONE);
                assertThat(ring.node(other).copy()).isEqualTo(image);
            }
            assertThat(ring.reports().get(victim - 1).state()).isEqualTo(NodeState.LOST);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aNodeThatFreezesWhileFinishingIsReported(final int victim) throws Exception {
        try (TestRing ring = ringOf(4, SIZE_BYTES - 1, false)) {
            ring.serve(source);
            for (int node = 1; node <= 4; node++) {
                ring.awaitReceived(node, SIZE_BYTES - 2L * TestRing.BLOCK_BYTES);
            }
            ring.net.freeze("n" + victim);
            source.openAll();
            final List<NodeReport> reports = ring.reports();
            for (final int other : allBut(4, victim)) {
                assertThat(reports.get(other - 1).state()).isEqualTo(NodeState.DONE);
                assertThat(ring.node(other).copy()).isEqualTo(image);
            }
            assertThat(reports.get(victim - 1).state()).isEqualTo(NodeState.LOST);
        }
    }

    @Test
    void aLinkThatIsCutBetweenTwoNodesIsGoneAround() throws Exception {
        try (TestRing ring = ringOf(4)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3, 4);
            ring.net.cut("n2", "n3");
            source.openAll();

            ring.assertCopies(image, 1, 2, 3, 4);
            assertThat(ring.events).anyMatch(event -> event.contains("feeds") && event.contains("now"));
        }
    }

    @Test
    void aLinkThatStandsStillBetweenTwoNodesIsGoneAround() throws Exception {
        try (TestRing ring = ringOf(4)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3, 4);
            ring.net.freeze("n2", "n3");
            source.openAll();

            ring.assertCopies(image, 1, 2, 3, 4);
        }
    }

    @Test
    void twoNeighboursThatDieTogetherAreBypassed() throws Exception {
        try (TestRing ring = ringOf(5)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3, 4, 5);
            ring.node(2).kill();
            ring.node(3).kill();
            source.openAll();

            ring.assertCopies(image, 1, 4, 5);
        }
    }

    @Test
    void aFrozenNodeThatThawsGoesOn() throws Exception {
        try (TestRing ring = ringOf(3)) {
            ring.serve(source, ring.fileTarget(), s -> s.linger(Duration.ofSeconds(20)));
            openAfterReceiving(ring, 1, 2, 3);
            ring.net.freeze("n2");
            ring.awaitState(2, NodeState.LOST);
            source.openAll();
            ring.awaitState(3, NodeState.DONE);
            ring.net.thaw();

            ring.assertCopies(image, 1, 2, 3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aKilledNodeThatIsStartedAgainCatchesUpFromItsCheckpoint(final int victim) throws Exception {
        try (TestRing ring = ringOf(3)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3);
            ring.node(victim).kill();
            ring.awaitState(victim, NodeState.LOST);
            ring.node(victim).restart();
            ring.awaitState(victim, NodeState.ACTIVE);
            source.openAll();

            ring.assertCopies(image, 1, 2, 3);
            assertThat(ring.report(victim).resumedFrom()).isPositive();
            assertThat(ring.leftovers()).isEmpty();
        }
    }

    @Test
    void aKilledNodeCatchesUpInTheNextRun() throws Exception {
        try (TestRing ring = ringOf(3)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3);
            ring.node(2).kill();
            source.openAll();
            ring.assertCopies(image, 1, 3);

            for (int node = 1; node <= 3; node++) {
                ring.node(node).restart();
            }
            ring.serve(new GatedSource(image, Long.MAX_VALUE, false));
            ring.assertCopies(image, 1, 2, 3);
            assertThat(ring.report(2).resumedFrom()).isPositive();
            assertThat(ring.report(1).resumedFrom()).isZero();
        }
    }

    @Test
    void anotherImageTakesThePlaceOfAnUnfinishedOne() throws Exception {
        try (TestRing ring = ringOf(1)) {
            ring.serve(source);
            openAfterReceiving(ring, 1);
            ring.node(1).kill();
            source.openAll();
            ring.reports();
            assertThat(ring.leftovers()).anyMatch(name -> name.endsWith(".part"));
        }
        try (TestRing other = ringOf(1, Long.MAX_VALUE, false)) {
            other.serve(source);
            other.assertCopies(image, 1);
            assertThat(other.report(1).resumedFrom()).isZero();
            assertThat(other.leftovers()).isEmpty();
        }
    }

    @Test
    void theServerIsKilledAndStartedAgainAndTheNodesGoOnWithWhatTheyHave() throws Exception {
        try (TestRing ring = ringOf(3)) {
            // A server that is cut off must not end by itself before it is killed.
            ring.serve(source, ring.fileTarget(), s -> s.linger(Duration.ofSeconds(30)));
            openAfterReceiving(ring, 1, 2, 3);
            ring.net.cut("server");
            ring.server().cancel();
            source.openAll();
            assertThatThrownBy(ring::reports).isNotNull();
            ring.net.mend();

            ring.serve(new GatedSource(image, Long.MAX_VALUE, false));
            ring.assertCopies(image, 1, 2, 3);
            for (int node = 1; node <= 3; node++) {
                assertThat(ring.events).anyMatch(event -> event.contains("goes on at offset"));
            }
        }
    }

    @Test
    void aNodeThatHadFinishedServesARestartedServerWithoutCopyingAgain() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source, ring.fileTarget(), s -> s.linger(Duration.ofSeconds(30)));
            openAfterReceiving(ring, 1, 2);
            ring.net.freeze("n2");
            source.openAll();
            ring.awaitState(1, NodeState.DONE);
            ring.net.cut("server");
            ring.server().cancel();
            assertThatThrownBy(ring::reports).isNotNull();
            ring.net.mend();
            ring.net.thaw();

            ring.serve(new GatedSource(image, Long.MAX_VALUE, false));
            ring.assertCopies(image, 1, 2);
        }
    }

    @Test
    void aCorruptFrameIsSentAgain() throws Exception {
        try (TestRing ring = ringOf(3)) {
            ring.net.corrupt("n1", "n2", 2);
            ring.serve(source);
            source.openAll();

            ring.assertCopies(image, 1, 2, 3);
            assertThat(ring.net.toCorrupt("n1", "n2")).isNotPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aNodeWhoseDiskIsFullIsDroppedAlone(final int victim) throws Exception {
        try (TestRing ring = ringOf(3, Long.MAX_VALUE, false)) {
            final int free = 900_000;
            ring.serve(source, "full:" + directory + "-%i?free" + victim + "=" + free, options -> {});
            final List<NodeReport> reports = ring.reports();
            final NodeReport full = reports.get(victim - 1);
            assertThat(full.state()).isEqualTo(NodeState.FAILED);
            assertThat(full.reason()).contains("ENOSPC");
            assertThat(full.failedAt()).isBetween(free - 2L * TestRing.BLOCK_BYTES, (long) free);
            assertThat(ring.node(victim).outcome().ok()).isFalse();
            for (final int other : allBut(3, victim)) {
                assertThat(reports.get(other - 1).state())
                        .as("%s %s", reports, ring.events)
                        .isEqualTo(NodeState.DONE);
                assertThat(TestRing.memory(directory + "-" + other)).isEqualTo(image);
            }
        }
    }

    @Test
    void aNodeWhoseDirectoryIsMissingIsLeftOut() throws Exception {
        try (TestRing ring = ringOf(3, Long.MAX_VALUE, false)) {
            Files.createDirectory(directory.resolve("1"));
            Files.createDirectory(directory.resolve("3"));
            ring.serve(source, directory + "/%i/image", options -> {});
            final List<NodeReport> reports = ring.reports();
            assertThat(reports.get(1).state()).isEqualTo(NodeState.FAILED);
            assertThat(reports.get(1).reason()).contains("does not exist; make it first");
            assertThat(Files.readAllBytes(directory.resolve("1/image"))).isEqualTo(image);
            assertThat(Files.readAllBytes(directory.resolve("3/image"))).isEqualTo(image);
        }
    }

    @Test
    void aNodeThatIsNamedTwiceByDifferentNamesIsRefusedOnce() throws Exception {
        try (TestRing ring = ringOf(1, Long.MAX_VALUE, false)) {
            final String port = ring.node(1).address().replaceAll(".*:", "");
            ring.serve(source, ring.fileTarget(), s -> s.nodes(List.of("localhost:" + port)));
            final List<NodeReport> reports = ring.reports();
            assertThat(reports).filteredOn(r -> r.state() == NodeState.DONE).hasSize(1);
            assertThat(reports)
                    .filteredOn(r -> r.state() == NodeState.FAILED)
                    .singleElement()
                    .satisfies(r -> assertThat(r.reason()).contains("are the same node: name it once"));
        }
    }

    @Test
    void aServerWithAnotherSecretOrNoneIsNotObeyed() throws Exception {
        try (TestRing ring = ringOf(0, Long.MAX_VALUE, false)) {
            ring.join(n -> n.secret(TestRing.secret("the secret of the ring")));
            for (final boolean wrong : new boolean[] {true, false}) {
                ring.serve(source, ring.fileTarget(), s -> {
                    s.maxWait(Duration.ofSeconds(4));
                    if (wrong) {
                        s.secret(TestRing.secret("the secret of others"));
                    }
                });
                assertThat(ring.reports().get(0).state()).isEqualTo(NodeState.CONNECTING);
                assertThat(ring.reports().get(0).reason()).isNotEmpty();
            }
            assertThat(ring.node(1).ended()).isFalse();
            assertThat(ring.node(1).target).doesNotExist();

            ring.serve(source, ring.fileTarget(), s -> s.secret(TestRing.secret("the secret of the ring")));
            ring.assertCopies(image, 1);
        }
    }

    @Test
    void portScansAndGarbageDoNotDisturbANode() throws Exception {
        try (TestRing ring = ringOf(2)) {
            final List<SocketChannel> strangers = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                final int port = Integer.parseInt(ring.node(1 + i % 2).address().replaceAll(".*:", ""));
                final SocketChannel stranger = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
                strangers.add(stranger);
                if (i % 3 == 0) {
                    final byte[] garbage = new byte[1 + random.nextInt(5000)];
                    random.nextBytes(garbage);
                    stranger.write(ByteBuffer.wrap(garbage));
                } else if (i % 3 == 1) {
                    stranger.close();
                }
            }
            ring.serve(source);
            source.openAll();
            ring.assertCopies(image, 1, 2);
            for (final SocketChannel stranger : strangers) {
                stranger.close();
            }
        }
    }

    @Test
    void aNodeIsFoundThoughMoreStrangersThanItHearsAtOnceAreSilent() throws Exception {
        try (TestRing ring = ringOf(1, Long.MAX_VALUE, false)) {
            final int port = Integer.parseInt(ring.node(1).address().replaceAll(".*:", ""));
            final List<SocketChannel> strangers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                strangers.add(SocketChannel.open(new InetSocketAddress("127.0.0.1", port)));
            }
            ring.serve(source, ring.fileTarget(), s -> s.maxWait(Duration.ofSeconds(15)));
            ring.assertCopies(image, 1);
            for (final SocketChannel stranger : strangers) {
                stranger.close();
            }
        }
    }

    @Test
    @SuppressWarnings("unchecked") // file: is a sink of extents
    void aTargetThatAnOlderProcessStillWritesIsTakenWhenItIsFree() throws Exception {
        try (TestRing ring = ringOf(2, Long.MAX_VALUE, false);
                Sink<Extent> sink = (Sink<Extent>)
                        Providers.sink(Locator.file(ring.node(1).target.toString()))) {
            try (Session<Extent> older = sink.begin(Target.ofSize(SIZE_BYTES))) {
                ring.serve(source);
                await("refusal of n1")
                        .atMost(TestRing.LIMIT)
                        .until(() -> ring.report(1).reason().contains("is being written"));
                assertThat(ring.report(1).state()).isEqualTo(NodeState.CONNECTING);
            }
            ring.assertCopies(image, 1, 2);
        }
    }

    @Test
    void aSecondServerIsTurnedAwayWhileTheFirstIsAtWork() throws Exception {
        try (TestRing ring = ringOf(1);
                RingServer second = RingServer.builder(
                                new GatedSource(new byte[10], Long.MAX_VALUE, false), "another", ring.fileTarget())
                        .nodes(List.of(ring.node(1).address()))
                        .transport("faulty", ring.net.query("second"))
                        .maxWait(Duration.ofSeconds(4))
                        .open()) {
            ring.serve(source);
            openAfterReceiving(ring, 1);
            assertThat(second.run().get(0).reason()).contains("busy with another server");
            source.openAll();
            ring.assertCopies(image, 1);
        }
    }

    @Test
    void aSourceThatShrinksFailsTheRunAndLeavesNoCopy() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2);
            source.shrink(HALF + 1000);
            source.openAll();
            assertThatThrownBy(ring::reports)
                    .hasMessageContaining("the source ended at offset=" + (HALF + 1000))
                    .hasMessageContaining("announced as " + SIZE_BYTES);
            assertThat(ring.node(1).outcome().ok()).isFalse();
            assertThat(ring.node(1).outcome().reason()).contains("the source ended at");
            assertThat(ring.node(1).target).doesNotExist();
        }
    }

    @Test
    void aSourceThatChangesFailsTheRunAndLeavesNoCopyUnlessForced() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2);
            source.change();
            source.openAll();
            assertThatThrownBy(ring::reports)
                    .hasMessageContaining(
                            "the source changed while it was read (first at the start, changed now): the copies may"
                                    + " mix both; stop what writes to it or clone a snapshot, or force it");
            assertThat(ring.node(2).outcome().reason()).contains("the source changed while it was read");
            assertThat(ring.node(1).target).doesNotExist();
            assertThat(ring.node(2).target).doesNotExist();
        }
    }

    /** The nodes have been offered the state before, and may hold a part of it. */
    @Test
    void aSourceThatChangesWhileTheRingFormsFailsTheRunBeforeItIsRead() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source, ring.fileTarget(), s -> s.listener(whenFormed(source::change)));
            source.openAll();
            assertThatThrownBy(ring::reports)
                    .hasMessageContaining("the source changed before it was read (first at the start, changed now)");
            assertThat(ring.server().position()).isZero();
            assertThat(ring.node(1).outcome().reason()).contains("the source changed before it was read");
            assertThat(ring.node(1).target).doesNotExist();
            assertThat(ring.node(2).target).doesNotExist();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileThatIsReplacedOrUnlinkedWhileItIsClonedIsStillOneState(final boolean replaced) throws Exception {
        final Path file = directory.resolve("source");
        final Path next = Files.write(directory.resolve("next"), new byte[1000]);
        try (TestRing ring = ringOf(2);
                FileSource opened = FileSource.open(Files.write(file, image))) {
            ring.serve(
                    opened,
                    ring.fileTarget(),
                    s -> s.listener(whenFormed(() -> {
                        try {
                            if (replaced) {
                                Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
                            } else {
                                Files.delete(file);
                            }
                        } catch (final IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })));
            ring.assertCopies(image, 1, 2);
            assertThat(Files.exists(file)).isEqualTo(replaced);
        }
    }

    /** Returns a listener that does something after the ring has formed and before the source is read. */
    private static RingListener whenFormed(final Runnable action) {
        return new RingListener() {
            @Override
            public void event(final String text) {
                if (text.startsWith("ring of")) {
                    action.run();
                }
            }
        };
    }

    @Test
    void aSourceThatChangesIsClonedByForce() throws Exception {
        try (TestRing ring = ringOf(0)) {
            ring.join(node -> node.force(true));
            ring.serve(source, ring.fileTarget(), s -> s.force(true));
            openAfterReceiving(ring, 1);
            source.change();
            source.openAll();
            ring.assertCopies(image, 1);
        }
    }

    @Test
    void aSourceThatCannotBeReadFailsTheRunWithItsOffset() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2);
            source.breakAt(HALF + 5);
            source.openAll();
            assertThatThrownBy(ring::reports).hasMessageContaining("EIO");
            assertThat(ring.node(2).outcome().reason()).contains("EIO");
            assertThat(ring.node(2).target).doesNotExist();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void aNodeMayDieWhileAStreamIsSentThatCannotBeReadAgain(final int victim) throws Exception {
        try (TestRing ring = ringOf(4, HALF, true)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2, 3, 4);
            ring.node(victim).kill();
            source.openAll();

            ring.assertCopies(image, allBut(4, victim));
        }
    }

    @Test
    void aNodeThatJoinsAStreamLateIsFedByANodeThatHasIt() throws Exception {
        try (TestRing ring = ringOf(3, SIZE_BYTES - 1, true)) {
            ring.node(2).kill();
            ring.serve(source, ring.fileTarget(), s -> s.maxWait(Duration.ofSeconds(4)));
            ring.awaitReceived(3, SIZE_BYTES - 2L * TestRing.BLOCK_BYTES);
            ring.node(2).restart();
            ring.awaitState(2, NodeState.ACTIVE);
            source.openAll();

            ring.assertCopies(image, 1, 2, 3);
        }
    }

    @Test
    void whoNeedsBytesThatNobodyHasAnyMoreFailsHonestly() throws Exception {
        try (TestRing ring = ringOf(2, SIZE_BYTES - 1, true)) {
            ring.node(2).kill();
            ring.serve(source, "null:", s -> s.maxWait(Duration.ofSeconds(4)).blockBytes(4096));
            ring.awaitReceived(1, SIZE_BYTES - 2L * TestRing.BLOCK_BYTES);
            ring.node(2).restart();
            ring.awaitEvent("n2 FAILED");
            source.openAll();

            final NodeReport first = ring.reports().get(0);
            assertThat(first.state()).as("%s %s", first, ring.events).isEqualTo(NodeState.DONE);
            assertThat(ring.reports().get(1).reason())
                    .contains("nobody can feed it")
                    .contains("no longer in memory");
        }
    }

    @Test
    void aStopOfTheServerEndsTheNodesAtOnceAndKeepsWhatTheyHave() throws Exception {
        try (TestRing ring = ringOf(2)) {
            ring.serve(source);
            openAfterReceiving(ring, 1, 2);
            ring.server().cancel();
            source.openAll();
            assertThatThrownBy(ring::reports).isNotNull();
            assertThat(ring.node(1).outcome().ok()).isFalse();
            assertThat(ring.node(2).outcome().ok()).isFalse();
            assertThat(ring.leftovers()).anyMatch(name -> name.endsWith(".part"));

            ring.node(1).restart();
            ring.node(2).restart();
            ring.serve(new GatedSource(image, Long.MAX_VALUE, false));
            ring.assertCopies(image, 1, 2);
            assertThat(ring.report(1).resumedFrom()).isPositive();
        }
    }

    @Test
    void everythingThatCanHappenToARingAtRandom() throws Exception {
        final long seed = Seeds.next("everythingThatCanHappenToARingAtRandom");
        final Random faults = new Random(seed);
        try (TestRing ring = ringOf(8, 0, false)) {
            ring.serve(source, ring.fileTarget(), s -> s.fanout(1 + faults.nextInt(3)));
            final List<Integer> killed = new ArrayList<>();
            for (int step = 1; step <= 4; step++) {
                source.open((long) SIZE_BYTES * step / 5);
                final int victim = 1 + faults.nextInt(8);
                if (killed.contains(victim)) {
                    continue;
                }
                ring.awaitReceived(victim, (long) SIZE_BYTES * (step - 1) / 5);
                switch (faults.nextInt(3)) {
                    case 0 -> {
                        ring.node(victim).kill();
                        killed.add(victim);
                    }
                    case 1 -> ring.net.corrupt("n" + victim, "n" + (1 + victim % 8), 1);
                    default -> ring.net.cut("n" + victim, "n" + (1 + victim % 8));
                }
            }
            source.openAll();
            ring.assertCopies(
                    image, allBut(8, killed.stream().mapToInt(Integer::intValue).toArray()));
        }
    }
}
