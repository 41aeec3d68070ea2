package io.replicate.delta.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Committed;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.Fixtures;
import io.replicate.delta.cow.Model;
import io.replicate.delta.cow.ResumeToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What a merge does, and what it refuses before anything is changed. */
class MergeTest {
    private static final int CHUNK = 512;

    private final byte[] old = Deltas.image(100 * CHUNK + 300, 1);
    private final byte[] next = Deltas.change(old, CHUNK, 70, 2);
    private final byte[] third = Deltas.change(next, CHUNK, 70, 3);
    private final FaultyDisk disk = new FaultyDisk(old);

    private DeltaTarget open() throws IOException {
        return open(disk);
    }

    private static DeltaTarget open(final FaultyDisk disk) throws IOException {
        return DeltaTarget.open(disk.image(), disk.directory(), Companion.NONE, Cloner.NONE);
    }

    private Merged merge(final byte[] stream, final MergeOptions options) throws IOException {
        try (DeltaTarget target = open()) {
            return target.merge(Deltas.in(stream), "delta", options);
        }
    }

    private void refused(final byte[] stream, final MergeOptions options, final String message) {
        final byte[] before = disk.imageNow();
        assertThatThrownBy(() -> merge(stream, options))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining(message);
        assertThat(disk.imageNow()).isEqualTo(before);
    }

    @Test
    void aChainOfDeltasLeadsFromGenerationToGeneration() throws IOException {
        final Merged first = merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT);
        final Merged second = merge(Deltas.marked(next, third, CHUNK, "g1", "g2"), MergeOptions.DEFAULT);

        assertThat(first.committed()).isEqualTo(Committed.ATOMIC);
        assertThat(second.generation()).isEqualTo("g2");
        assertThat(second.notes()).isEmpty();
        assertThat(disk.imageNow()).isEqualTo(third);
        assertThat(disk.directory().names()).containsExactly(StateLog.NAME);
    }

    @Test
    void aDeltaOfAnotherBaseIsRefused() throws IOException {
        merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT);
        refused(Deltas.marked(old, next, CHUNK, "g0", "g7"), MergeOptions.DEFAULT, "generation g0");
    }

    @Test
    void aDeltaThatWasMergedAlreadyChangesNothing() throws IOException {
        final byte[] delta = Deltas.marked(old, next, CHUNK, "g0", "g1");
        merge(delta, MergeOptions.DEFAULT);
        final Merged again = merge(delta, MergeOptions.DEFAULT);
        assertThat(again.writtenBytes()).isZero();
        assertThat(disk.imageNow()).isEqualTo(next);
    }

    @Test
    void withoutNamesAWrongBaseIsFoundByWhatTheDeltaLeavesAlone() throws IOException {
        refused(Deltas.marked(next, third, CHUNK, "", ""), MergeOptions.DEFAULT, "not the base");
    }

    @Test
    void aBareStreamIsMergedAndLeavesNoStateBehind() throws IOException {
        final Merged merged = merge(Deltas.bare(old, next, CHUNK), MergeOptions.DEFAULT);
        assertThat(disk.imageNow()).isEqualTo(next);
        assertThat(merged.notes()).singleElement().asString().contains("bare stream");
        assertThat(disk.directory().names()).isEmpty();
    }

    @Test
    void aSmallerTargetIsRefused() throws IOException {
        final byte[] larger = Arrays.copyOf(old, old.length + CHUNK);
        larger[larger.length - 1] = 1;
        refused(Deltas.marked(old, larger, CHUNK, "", ""), MergeOptions.DEFAULT, "larger");
    }

    @Test
    void aSmallerTargetOfABareStreamIsRefused() throws IOException {
        final byte[] larger = Arrays.copyOf(old, old.length + 2 * CHUNK);
        larger[larger.length - 1] = 1;
        refused(Deltas.bare(old, larger, CHUNK), MergeOptions.DEFAULT, "ends at");
    }

    @Test
    void cutOrChangedAnywhereNothingIsChanged() throws IOException {
        final byte[] stream = Deltas.marked(old, next, CHUNK, "g0", "g1");
        for (int at = 0; at < stream.length; at += 97) {
            final byte[] bad = stream.clone();
            bad[at] ^= 0x10;
            refused(bad, MergeOptions.DEFAULT, "");
            refused(Arrays.copyOf(stream, at), MergeOptions.DEFAULT, "");
        }
    }

    @Test
    void aFullDiskIsKnownBeforeAnythingIsChanged() throws IOException {
        disk.capacity(10_000);
        refused(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT, "no room for the spool");
        refused(Deltas.bare(old, next, CHUNK), MergeOptions.DEFAULT, "no room for the spool");
    }

    @Test
    void severalGenerationsCanBeGoneBackTo() throws IOException {
        merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT.undo(2));
        merge(Deltas.bare(next, third, CHUNK), MergeOptions.DEFAULT.undo(2));
        try (DeltaTarget target = open()) {
            assertThat(target.undoGenerations()).isEqualTo(2);
            target.rollback();
            assertThat(disk.imageNow()).isEqualTo(next);
            assertThat(target.generation()).isEqualTo("g1");
            target.rollback();
            assertThat(disk.imageNow()).isEqualTo(old);
            assertThatThrownBy(target::rollback).hasMessageContaining("no generation is kept");
        }
    }

    @Test
    void anUndoIsAStoreThatTheKernelCouldUseAsASnapshotOfTheGenerationBefore() throws IOException {
        merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT.undo(1));
        final String name = disk.directory().names().stream()
                .filter(n -> n.startsWith("undo-"))
                .findFirst()
                .orElseThrow();
        final byte[] undo;
        try (StateFile file = disk.directory().open(name)) {
            undo = new byte[(int) file.size()];
            file.read(0, java.nio.ByteBuffer.wrap(undo));
        }
        assertThat(Model.merge(disk.imageNow(), undo)).isEqualTo(old);
    }

    @Test
    void onlyTheNewestGenerationsAreKept() throws IOException {
        byte[] now = old;
        for (int i = 0; i < 5; i++) {
            final byte[] then = Deltas.change(now, CHUNK, 10, 50 + i);
            merge(Deltas.marked(now, then, CHUNK, "n" + i, "n" + (i + 1)), MergeOptions.DEFAULT.undo(2));
            now = then;
        }
        try (DeltaTarget target = open()) {
            assertThat(target.undoGenerations()).isEqualTo(2);
        }
    }

    @Test
    void aDryRunChangesNothing() throws IOException {
        final MergeOptions dry =
                new MergeOptions(false, false, 0, true, true, new io.replicate.core.spi.Cancellation());
        final Merged merged = merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), dry);
        assertThat(merged.report().exceptions()).isPositive();
        assertThat(disk.imageNow()).isEqualTo(old);
        assertThat(disk.directory().names()).isEmpty();
    }

    @Test
    void inPlaceTheResultIsTheSame() throws IOException {
        try (DeltaTarget target = open()) {
            final Merged merged = target.mergeInPlace(
                    Deltas.in(Deltas.marked(old, next, CHUNK, "g0", "g1")), "delta", MergeOptions.DEFAULT);
            assertThat(merged.committed()).isEqualTo(Committed.IN_PLACE);
        }
        assertThat(disk.imageNow()).isEqualTo(next);
    }

    @Test
    void anInterruptedInPlaceMergeIsRememberedUntilItIsRepeated() throws IOException {
        final byte[] from = Deltas.image(12 << 20, 4); // more than waits in memory
        final byte[] to = Deltas.image(12 << 20, 5);
        final byte[] delta = Deltas.marked(from, to, 4096, "g0", "g1");
        final FaultyDisk large = new FaultyDisk(from);
        try (DeltaTarget target = open(large)) {
            assertThatThrownBy(() -> target.mergeInPlace(
                            Deltas.in(Arrays.copyOf(delta, delta.length - 500_000)), "delta", MergeOptions.DEFAULT))
                    .isInstanceOf(ReplicationException.class);
            assertThat(target.torn()).isTrue();
        }
        try (DeltaTarget target = open(large)) {
            assertThatThrownBy(() -> target.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT))
                    .hasMessageContaining("mixture");
            target.mergeInPlace(Deltas.in(delta), "delta", MergeOptions.DEFAULT);
            assertThat(target.torn()).isFalse();
        }
        assertThat(large.imageNow()).isEqualTo(to);
    }

    @Test
    void anInPlaceMergeThatWroteNothingLeavesNoMixture() throws IOException {
        final byte[] delta = Deltas.marked(old, next, CHUNK, "g0", "g1");
        try (DeltaTarget target = open()) {
            assertThatThrownBy(() -> target.mergeInPlace(
                            Deltas.in(Arrays.copyOf(delta, delta.length - 5000)), "delta", MergeOptions.DEFAULT))
                    .isInstanceOf(ReplicationException.class);
            assertThat(target.torn()).isFalse();
        }
        assertThat(disk.directory().names()).isEmpty();
        merge(delta, MergeOptions.DEFAULT);
        assertThat(disk.imageNow()).isEqualTo(next);
    }

    @Test
    void whatIsNoDeltaForThisTargetDoesNotCostACutTransfer() throws IOException {
        final byte[] delta = Deltas.marked(old, next, CHUNK, "g0", "g1");
        final ResumeToken token;
        try (DeltaTarget target = open()) {
            assertThatThrownBy(() -> target.merge(
                            Deltas.in(Arrays.copyOf(delta, delta.length / 2)), "delta", MergeOptions.DEFAULT))
                    .isInstanceOf(ReplicationException.class);
            token = target.position();
        }
        refused(new byte[0], MergeOptions.DEFAULT, "cut");
        refused(Arrays.copyOf(delta, 20), MergeOptions.DEFAULT, "cut");
        refused(new byte[4096], MergeOptions.DEFAULT, "magic 0");
        final byte[] larger = Deltas.image(old.length + CHUNK, 1);
        refused(
                Deltas.marked(larger, Deltas.change(larger, CHUNK, 3, 4), CHUNK, "", ""),
                MergeOptions.DEFAULT,
                "make it larger");
        try (DeltaTarget target = open()) {
            final ResumeToken other = new ResumeToken(token.streamId(), 512, 1, token.exceptions());
            assertThatThrownBy(() -> target.resume(other, Deltas.in(delta), "delta", MergeOptions.DEFAULT))
                    .hasMessageContaining("not the one that was cut here");
            assertThat(target.position()).isEqualTo(token);
            target.resume(
                    token,
                    Deltas.in(Arrays.copyOfRange(delta, (int) token.offset(), delta.length)),
                    "delta",
                    MergeOptions.DEFAULT);
        }
        assertThat(disk.imageNow()).isEqualTo(next);
    }

    @Test
    void storesOfTheKernelAreMerged() throws IOException {
        for (final String name : new String[] {"E256.cow.img", "S.dRev.stream.img", "Dpo.cow.img", "G512.cow.img"}) {
            final byte[] base = Fixtures.image("base8.img");
            final byte[] store = Fixtures.image(name);
            final FaultyDisk other = new FaultyDisk(base);
            try (DeltaTarget target = DeltaTarget.open(other.image(), other.directory(), Companion.NONE, Cloner.NONE)) {
                target.merge(Deltas.in(store), name, MergeOptions.DEFAULT);
            }
            assertThat(Fixtures.sha256(other.imageNow())).isEqualTo(Fixtures.sha256(Model.merge(base, store)));
        }
    }

    @Test
    void aSpoolThatCannotBeMadeDurableChangesNothing() throws IOException {
        disk.syncFails(true);
        final byte[] before = disk.imageNow();
        assertThatThrownBy(() -> merge(Deltas.marked(old, next, CHUNK, "g0", "g1"), MergeOptions.DEFAULT))
                .hasMessageContaining("EIO");
        assertThat(disk.imageNow()).isEqualTo(before);
    }

    @Test
    void aTargetThatCannotBeMadeDurableIsNotCalledMerged() throws IOException {
        final TargetImage image = disk.image();
        final TargetImage broken = new TargetImage() {
            @Override
            public long size() throws IOException {
                return image.size();
            }

            @Override
            public void read(final long offset, final java.nio.ByteBuffer into) throws IOException {
                image.read(offset, into);
            }

            @Override
            public void write(final long offset, final java.nio.ByteBuffer from) {
                from.position(from.limit()); // the disk said yes, and lost it
            }

            @Override
            public void flush() throws IOException {
                throw new IOException("fdatasync: EIO");
            }

            @Override
            public void close() {}
        };
        try (DeltaTarget target = DeltaTarget.open(broken, disk.directory(), Companion.NONE, Cloner.NONE)) {
            assertThatThrownBy(() -> target.merge(
                            Deltas.in(Deltas.marked(old, next, CHUNK, "g0", "g1")), "delta", MergeOptions.DEFAULT))
                    .hasMessageContaining("EIO");
            assertThat(target.generation()).isNotEqualTo("g1");
        }
        try (DeltaTarget target = open()) {
            assertThat(target.recovered()).isTrue();
            assertThat(target.generation()).isEqualTo("g1");
        }
        assertThat(disk.imageNow()).isEqualTo(next);
    }

    /** What the kernel allocated and did not commit leaves gaps, in which anything may be. */
    @Test
    void dataFarBehindTheAreaThatNamesItIsMergedInPlaceToo() throws IOException {
        final int far = 300;
        final byte[] store = Deltas.image((far + 1) * CHUNK, 9);
        Arrays.fill(store, 0, 2 * CHUNK, (byte) 0);
        final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0x70416e53).putInt(1).putInt(1).putInt(1);
        b.position(CHUNK)
                .putLong(5)
                .putLong(far)
                .putLong(7)
                .putLong(far - 66)
                .putLong(8)
                .putLong(2);
        final byte[] expected = Model.merge(old, store);
        try (DeltaTarget target = open()) {
            target.mergeInPlace(Deltas.in(store), "delta", MergeOptions.DEFAULT);
        }
        assertThat(disk.imageNow()).isEqualTo(expected);
    }
}
