package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.job.ManualClock;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.tree.TreeDiff;
import io.replicate.delta.tree.TreeReader;
import io.replicate.delta.tree.TreeShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a proof costs: in bytes that are exchanged, in time when it is held back, in chunks that are written. */
class ProofTest {
    private static final Throttle FREE = new Throttle(Throttle.UNLIMITED);
    private static final Cancellation NEVER = new Cancellation();
    private static final int CHUNK = 4096;

    @TempDir
    private Path dir;

    private DeltaTarget open(final byte[] content) throws IOException {
        return Targets.open(
                Locator.file(Files.write(dir.resolve("t.img"), content).toString()), null, false);
    }

    private TreeReader treeOf(final byte[] image) throws IOException {
        return Verification.treeOf(new Bytes(image), image.length, FREE, NEVER);
    }

    @Test
    void aScrubKeepsToItsRate() throws IOException {
        final byte[] image = Deltas.image(16 << 20, 1);
        try (DeltaTarget target = open(image)) {
            new Verification(target, FREE, NEVER).record();
            final ManualClock clock = new ManualClock();
            final Verification slow = new Verification(target, clock.throttle(1 << 20), NEVER);
            assertThat(slow.scrub((offset, length) -> {})).isZero();
            assertThat(clock.seconds()).isBetween(15.5, 17.0);
        }
    }

    @Test
    void aRepairWritesExactlyTheBadChunksAndLeavesTheRest() throws IOException {
        final byte[] image = Deltas.image((4 << 20) + 700, 1);
        final byte[] damaged = image.clone();
        for (final int at : new int[] {0, 5 * CHUNK, 6 * CHUNK + 17, 900 * CHUNK, image.length - 1}) {
            damaged[at] ^= 1;
        }
        final List<Long> fetched = new ArrayList<>();
        final Bytes all = new Bytes(image);
        final RandomBytes source = new RandomBytes() {
            @Override
            public long size() {
                return image.length;
            }

            @Override
            public void read(final long offset, final ByteBuffer into) {
                for (long at = offset; at < offset + into.remaining(); at += CHUNK) {
                    fetched.add(at / CHUNK);
                }
                all.read(offset, into);
            }
        };
        try (DeltaTarget target = open(damaged);
                TreeReader tree = treeOf(image)) {
            final long written = new Verification(target, FREE, NEVER)
                    .repair(tree, source, "g7", (offset, length) -> {})
                    .writtenBytes();
            assertThat(fetched).containsExactlyInAnyOrder(0L, 5L, 6L, 900L, 1024L);
            assertThat(written).isEqualTo(4 * CHUNK + 700);
            assertThat(target.generation()).isEqualTo("g7");
        }
        assertThat(dir.resolve("t.img")).hasBinaryContent(image);
    }

    @Test
    void equalRootsAreOneAnswerAndOneDamagedChunkOfATebibyteIsFewPages() throws IOException {
        final TreeShape shape = new TreeShape(1L << 40, CHUNK);
        final Synthetic good = new Synthetic(shape, -1);
        final Synthetic damaged = new Synthetic(shape, 123_456_789);

        assertThat(TreeDiff.compare(good, new Synthetic(shape, -1), (offset, length) -> {}))
                .isTrue();
        assertThat(good.askedBytes).as("the root").isEqualTo(TreeShape.HASH_BYTES);

        final List<Long> found = new ArrayList<>();
        assertThat(TreeDiff.compare(good, damaged, (offset, length) -> found.add(offset)))
                .isFalse();
        assertThat(found).containsExactly(123_456_789L * CHUNK);
        assertThat(damaged.askedBytes).isLessThan(64 << 10);
    }

    /** The tree of an image of any size whose leaves all hash to the same, but for a damaged one; counts what is asked. */
    private static final class Synthetic implements TreeReader {
        private final TreeShape shape;
        private final long damaged;
        private long askedBytes;

        Synthetic(final TreeShape shape, final long damaged) {
            this.shape = shape;
            this.damaged = damaged;
        }

        @Override
        public TreeShape shape() {
            return shape;
        }

        @Override
        public byte[] page(final int level, final long page) {
            final byte[] hashes = new byte[shape.pageCount(level, page) * TreeShape.HASH_BYTES];
            long index = damaged;
            for (int l = 0; l < level; l++) {
                index /= TreeShape.FAN_OUT;
            }
            if (damaged >= 0 && index / TreeShape.FAN_OUT == page) {
                hashes[(int) (index % TreeShape.FAN_OUT) * TreeShape.HASH_BYTES] = 1;
            }
            askedBytes += hashes.length;
            return hashes;
        }

        @Override
        public void close() {}
    }
}
