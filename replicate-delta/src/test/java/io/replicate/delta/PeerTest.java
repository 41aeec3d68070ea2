package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.CompareChanges;
import io.replicate.delta.change.TreeChanges;
import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.peer.DeltaPeer;
import io.replicate.delta.peer.DeltaServer;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A served target, and what its peers do with it. */
class PeerTest {
    private static final Cancellation NEVER = new Cancellation();
    private static final Throttle FREE = new Throttle(Throttle.UNLIMITED);

    @TempDir
    Path dir;

    private final byte[] old = Deltas.image(8 << 20, 1);
    private final byte[] next = Deltas.change(old, 4096, 300, 2);
    private final Cancellation stop = new Cancellation();
    private Path file = Path.of("unset");
    private Locator address = Locator.file("unset");
    private Thread server = new Thread();
    private Listener listener;
    private Transport transport;

    @BeforeEach
    void serve() throws IOException {
        file = dir.resolve("target.img");
        Files.write(file, old);
        start();
    }

    private void start() throws IOException {
        final Locator any = Locator.parse("tcp://127.0.0.1:0");
        transport = Providers.transport(any);
        listener = transport.listen(any);
        address = listener.local();
        final ServedImage served = ServedImage.target(
                Targets.open(Locator.file(file.toString()), null, false), MergeOptions.DEFAULT, FREE, false);
        server = new Thread(() -> {
            try (served) {
                new DeltaServer(served, stop).run(listener);
            } catch (final IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        server.start();
    }

    @AfterEach
    void end() throws Exception {
        stop.cancel();
        server.join(60_000);
        listener.close();
        transport.close();
        assertThat(server.isAlive()).isFalse();
    }

    private byte[] target() throws IOException {
        return Files.readAllBytes(file);
    }

    private Changes changes() throws IOException {
        return new CompareChanges(new Bytes(old), new Bytes(next), new SnapLayout(4096)).find(next.length);
    }

    private DeltaPeer.StreamSource source(final Changes changes, final List<String> streamIds) {
        return (out, token) -> {
            streamIds.add(token == null ? "null" : token.streamId());
            send(changes, next, "g0", "g1", token, out);
        };
    }

    private static void send(
            final Changes changes,
            final byte[] image,
            final String base,
            final String generation,
            final @org.jspecify.annotations.Nullable ResumeToken token,
            final WritableByteChannel out)
            throws IOException {
        DeltaExtract.send(changes, new Bytes(image), ExtractOptions.of(false, base, generation, NEVER), token, out);
    }

    @Test
    void aDeltaIsPushedAndMerged() throws IOException {
        try (DeltaPeer peer = DeltaPeer.connect(address);
                Changes changes = changes()) {
            assertThat(peer.push(source(changes, new ArrayList<>()))).isEqualTo("g1");
            assertThat(peer.exchangedBytes()).isGreaterThan(1_000_000);
        }
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void aCutPushGoesOnWhereItWasCut() throws IOException {
        final List<String> ids = new ArrayList<>();
        try (Changes changes = changes()) {
            assertThatThrownBy(() -> {
                        try (DeltaPeer peer = DeltaPeer.connect(address)) {
                            peer.push((out, id) -> source(changes, ids).write(cutAfter(out, 1 << 20), id));
                        }
                    })
                    .hasMessageContaining("pulled the plug");
            assertThat(target()).isEqualTo(old);
            final long second;
            try (DeltaPeer peer = DeltaPeer.connect(address)) {
                peer.push(source(changes, ids));
                second = peer.exchangedBytes();
            }
            assertThat(target()).isEqualTo(next);
            assertThat(ids.get(0)).isEqualTo("null");
            assertThat(ids.get(1)).hasSize(32);
            assertThat(second).isLessThan(300 * 4096L - (1 << 19));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void aPushThatIsCutAgainAndAgainGetsThereInTheEnd(final long seed) throws IOException {
        final java.util.Random random = new java.util.Random(seed);
        long exchanged = 0;
        int attempts = 0;
        try (Changes changes = changes()) {
            for (boolean arrived = false; !arrived; ) {
                final long plug = 200_000 + random.nextInt(1_000_000);
                try (DeltaPeer peer = DeltaPeer.connect(address)) {
                    try {
                        peer.push((out, token) -> send(changes, next, "g0", "g1", token, cutAfter(out, plug)));
                        arrived = true;
                    } catch (final IOException e) {
                        assertThat(e).as("seed %d", seed).hasMessageContaining("pulled the plug");
                        assertThat(target()).isEqualTo(old);
                    }
                    exchanged += peer.exchangedBytes();
                }
                attempts++;
            }
        }
        assertThat(target()).isEqualTo(next);
        // a frame of 256 KiB and a block of 128 KiB are under way when the plug is pulled
        assertThat(exchanged)
                .as("what was there is not sent again, seed %d, %d attempts", seed, attempts)
                .isLessThan(300 * 4096L + attempts * (400L << 10));
    }

    @Test
    void whatIsLeftOfAnotherDeltaIsNotInTheWay() throws IOException {
        try (Changes changes = changes()) {
            assertThatThrownBy(() -> {
                        try (DeltaPeer peer = DeltaPeer.connect(address)) {
                            peer.push((out, id) ->
                                    source(changes, new ArrayList<>()).write(cutAfter(out, 1 << 20), id));
                        }
                    })
                    .hasMessageContaining("pulled the plug");
        }
        final byte[] other = Deltas.change(old, 4096, 200, 9);
        try (Changes changes =
                new CompareChanges(new Bytes(old), new Bytes(other), new SnapLayout(4096)).find(other.length)) {
            DeltaPeer.push(
                    address,
                    (out, token) -> send(changes, other, "g0", "g5", token, out),
                    java.time.Duration.ofSeconds(20),
                    NEVER);
        }
        assertThat(target()).isEqualTo(other);
    }

    private static WritableByteChannel cutAfter(final WritableByteChannel out, final long bytes) {
        final long[] left = {bytes};
        return new WritableByteChannel() {
            @Override
            public int write(final ByteBuffer from) throws IOException {
                final int n = (int) Math.min(left[0], from.remaining());
                final ByteBuffer part = from.slice(from.position(), n);
                while (part.hasRemaining()) {
                    out.write(part);
                }
                from.position(from.position() + n);
                left[0] -= n;
                if (left[0] == 0) {
                    throw new IOException("pulled the plug");
                }
                return n;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        };
    }

    @Test
    void aRefusedDeltaIsRefusedWithItsReason() throws IOException {
        try (Changes changes = changes()) {
            for (int i = 0; i < 2; i++) {
                final String base = "b" + i;
                final DeltaPeer.StreamSource source = (out, token) -> send(changes, next, base, "c" + base, token, out);
                if (i == 0) {
                    try (DeltaPeer peer = DeltaPeer.connect(address)) {
                        peer.push(source);
                    }
                } else {
                    assertThatThrownBy(() -> {
                                try (DeltaPeer peer = DeltaPeer.connect(address)) {
                                    peer.push(source);
                                }
                            })
                            .isInstanceOf(ReplicationException.class)
                            .hasMessageContaining("generation b1");
                }
            }
        }
    }

    @Test
    void oneDamagedChunkIsFoundWithAtMost64KiBExchanged() throws IOException {
        final byte[] damaged = old.clone();
        damaged[5_000_000] ^= 1;
        final List<Long> found = new ArrayList<>();
        try (DeltaPeer peer = DeltaPeer.connect(address);
                TreeReader tree = Verification.treeOf(new Bytes(damaged), damaged.length, FREE, NEVER)) {
            io.replicate.delta.tree.TreeDiff.compare(tree, peer, (offset, length) -> found.add(offset));
            assertThat(peer.exchangedBytes()).isLessThan(64 << 10);
        }
        assertThat(found).containsExactly(5_000_000L / 4096 * 4096);
    }

    @Test
    void aDamagedCopyIsRepairedFromThePeerWithExactlyTheBadChunks() throws IOException {
        final byte[] damaged = old.clone();
        for (final int at : new int[] {17, 4_000_000, 8_388_607}) {
            damaged[at] ^= 1;
        }
        final Path copy = dir.resolve("copy.img");
        Files.write(copy, damaged);
        try (DeltaTarget target = Targets.open(Locator.file(copy.toString()), null, false);
                DeltaPeer peer = DeltaPeer.connect(address)) {
            final Verification verification = new Verification(target, FREE, NEVER);
            assertThat(verification.compare(peer, false, (offset, length) -> {}))
                    .isFalse();
            final long written =
                    verification.repair(peer, peer, "", (offset, length) -> {}).writtenBytes();
            assertThat(written).isEqualTo(3 * 4096);
            assertThat(peer.exchangedBytes()).isLessThan(128 << 10);
            assertThat(verification.compare(peer, false, (offset, length) -> {}))
                    .isTrue();
            assertThat(verification.compare(peer, true, (offset, length) -> {})).isTrue();
        }
        assertThat(Files.readAllBytes(copy)).isEqualTo(old);
    }

    @Test
    void withoutAnyRecordTheChangesAreFoundByExchangingHashes() throws IOException {
        try (DeltaPeer peer = DeltaPeer.connect(address);
                TreeReader tree = Verification.treeOf(new Bytes(next), next.length, FREE, NEVER);
                Changes byHash = new TreeChanges(tree, peer).find(next.length);
                Changes byContent = changes()) {
            assertThat(byHash.chunks().size()).isEqualTo(byContent.chunks().size());
        }
    }

    @Test
    void garbageDoesNotEndTheServer() throws IOException {
        try (var link = transport.connect(address, java.time.Duration.ofSeconds(5))) {
            link.send(ByteBuffer.wrap(new byte[1000]));
            final ByteBuffer answer = ByteBuffer.allocate(1 << 16);
            while (link.receive(answer) >= 0) {
                answer.clear();
            }
        }
        aDeltaIsPushedAndMerged();
    }
}
