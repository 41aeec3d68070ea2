package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.contract.Images;
import io.replicate.core.contract.Seeds;
import io.replicate.core.spi.ReplicationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings in which nothing goes wrong. */
@Timeout(240)
class RingTest {
    /** What the command line takes, too: the nodes of a large ring in one process would have no time for more. */
    private static final Duration HEARTBEAT = Duration.ofMillis(400);

    private final Random random = Seeds.random("RingTest");

    @TempDir
    private Path directory;

    private byte[] image(final int sizeBytes) {
        return Images.sparse(sizeBytes, random);
    }

    private GatedSource source(final byte[] image) {
        return new GatedSource(image, Long.MAX_VALUE, false);
    }

    private static Integer[] upTo(final int count) {
        final List<Integer> all = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            all.add(i);
        }
        return all.toArray(new Integer[0]);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "2,1,1", "3,1,1", "3,1,4", "16,1,1", "16,2,1", "16,8,3"})
    void everyNodeGetsAnEqualCopy(final int nodes, final int fanout, final int streams) throws Exception {
        final byte[] image = image(3_000_001);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(nodes)
                    .serve(
                            source(image),
                            ring.fileTarget(),
                            s -> s.fanout(fanout).streams(streams));
            ring.assertCopies(image, upTo(nodes));
            assertThat(ring.leftovers()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void hundredsOfNodesGetAnEqualCopy(final int fanout) throws Exception {
        final byte[] image = image(300_000);
        try (TestRing ring = new TestRing(directory)) {
            for (int i = 0; i < TestRing.MANY; i++) {
                ring.join(n -> n.windowBlocks(3).resumable(false));
            }
            ring.serve(
                    source(image),
                    ring.fileTarget(),
                    s -> s.fanout(fanout).windowBlocks(3).heartbeat(HEARTBEAT, Duration.ofSeconds(15)));
            ring.assertCopies(image, upTo(TestRing.MANY));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4095, 65536, 1 << 20})
    void aVolumeOfAnySizeIsCopied(final int size) throws Exception {
        final byte[] image = new byte[size];
        random.nextBytes(image);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(2).serve(source(image));
            ring.assertCopies(image, 1, 2);
        }
    }

    @ParameterizedTest
    @EnumSource(LinkCompression.class)
    void blocksAreCompressedWhereItPays(final LinkCompression compression) throws Exception {
        final byte[] image = image(1 << 20);
        for (int i = 1 << 19; i < image.length; i++) {
            image[i] = (byte) (i / 1000 + 1);
        }
        try (TestRing ring = new TestRing(directory)) {
            ring.join(2).serve(source(image), ring.fileTarget(), s -> s.compression(compression));
            ring.assertCopies(image, 1, 2);
        }
    }

    @ParameterizedTest
    @EnumSource(Verify.class)
    void copiesAreProvenAsAsked(final Verify verify) throws Exception {
        final byte[] image = image(1 << 20);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(2).serve(source(image), ring.fileTarget(), s -> s.verify(verify));
            for (final NodeReport report : ring.reports()) {
                assertThat(report.state()).isEqualTo(NodeState.DONE);
                assertThat(report.digest().isEmpty()).isEqualTo(verify == Verify.NONE);
                assertThat(report.atomic()).isTrue();
            }
            assertThat(ring.node(2).copy()).isEqualTo(image);
        }
    }

    @Test
    void zerosAreNeitherSentNorStored() throws Exception {
        final byte[] image = new byte[8 << 20];
        random.nextBytes(image);
        java.util.Arrays.fill(image, 70_000, 8_000_000, (byte) 0);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(2).serve(source(image), ring.fileTarget(), s -> s.blockBytes(1 << 20));
            ring.assertCopies(image, 1, 2);
            assertThat(ring.report(2).dataBytes()).isLessThan(700_000);
            assertThat(TestRing.allocatedBytes(ring.node(2).target)).isLessThan(1 << 20);
        }
    }

    @Test
    void aStreamOfUnknownSizeIsCopied() throws Exception {
        final byte[] image = image(2_500_000);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(3).serve(new GatedSource(image, Long.MAX_VALUE, true));
            ring.assertCopies(image, 1, 2, 3);
        }
    }

    @Test
    void aSlowNodeDoesNotSlowTheOthers() throws Exception {
        final byte[] image = new byte[6 << 20];
        random.nextBytes(image);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(3);
            ring.net.slow("server", "n2", Duration.ofMillis(50));
            ring.serve(source(image), ring.fileTarget(), s -> s.fanout(2));
            ring.awaitState(1, NodeState.DONE);
            ring.awaitState(3, NodeState.DONE);
            assertThat(ring.report(2).state()).isEqualTo(NodeState.ACTIVE);
        }
    }

    @Test
    void membersWithTheSameSecretFormARing() throws Exception {
        final byte[] image = image(200_000);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(n -> n.secret(TestRing.secret("correct horse battery")));
            ring.join(n -> n.secret(TestRing.secret("correct horse battery")));
            ring.serve(source(image), ring.fileTarget(), s -> s.secret(TestRing.secret("correct horse battery")));
            ring.assertCopies(image, 1, 2);
        }
    }

    @Test
    void anImageThatIsSmallerThanTheOldTargetReplacesIt() throws Exception {
        final byte[] image = image(100_000);
        try (TestRing ring = new TestRing(directory)) {
            ring.join(1);
            Files.write(ring.node(1).target, new byte[500_000]);
            ring.serve(source(image));
            ring.assertCopies(image, 1);
        }
    }

    @Test
    void aNodeIsNamedOnce() {
        assertThatThrownBy(() -> RingServer.builder(source(new byte[1]), "i", "t")
                        .nodes(List.of("a", "b:9990", "b"))
                        .open())
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("named twice");
    }
}
