package io.replicate.delta.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.Compose;
import io.replicate.delta.DeltaExtract;
import io.replicate.delta.DeltaInput;
import io.replicate.delta.ExtractOptions;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.SnapChanges;
import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.RandomStore;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.frame.FramedOutput;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Random stores, merged and extracted, against a model that shares nothing with the production code. */
class StoreModelTest {
    private static final Cancellation NEVER = new Cancellation();

    private static DeltaTarget open(final FaultyDisk disk) throws IOException {
        return DeltaTarget.open(disk.image(), disk.directory(), Companion.NONE, Cloner.NONE);
    }

    private static void merge(final FaultyDisk disk, final DeltaInput input, final boolean inPlace) throws IOException {
        try (DeltaTarget target = open(disk)) {
            input.merge(target, MergeOptions.DEFAULT, inPlace);
        }
    }

    private static byte[] merged(final byte[] base, final DeltaInput input, final boolean inPlace) throws IOException {
        final FaultyDisk disk = new FaultyDisk(base);
        merge(disk, input, inPlace);
        return disk.imageNow();
    }

    private static Changes changes(final byte[] store, final long imageBytes) throws IOException {
        return new SnapChanges(StoreReader.open(new Bytes(store), "store"), false).find(imageBytes);
    }

    private static byte[] extract(final RandomStore s, final boolean bare, final String base, final String generation)
            throws IOException {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Changes changes = changes(s.store(), s.expected().length)) {
            DeltaExtract.write(
                    changes,
                    new Bytes(s.expected()),
                    ExtractOptions.of(bare, base, generation, NEVER),
                    Channels.newChannel(out));
        }
        return out.toByteArray();
    }

    private static byte[] framed(final byte[] stream) throws IOException {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final FramedOutput framed = new FramedOutput(Channels.newChannel(out));
        framed.write(ByteBuffer.wrap(stream));
        framed.finish();
        return out.toByteArray();
    }

    @Property(tries = 60)
    void aStoreMergesAsTheModelSaysFromAFileAndFromAPipe(@ForAll final long seed) throws IOException {
        final RandomStore s = RandomStore.of(seed);
        final int atOnce = 1 + new Random(seed).nextInt(70_000);

        assertThat(merged(s.base(), DeltaInput.of(new Bytes(s.store()), "file"), false))
                .as("%s", s)
                .isEqualTo(s.expected());
        assertThat(merged(s.base(), DeltaInput.of(new Bytes(s.store()), "file"), true))
                .as("in place, %s", s)
                .isEqualTo(s.expected());
        assertThat(merged(s.base(), DeltaInput.of(Bytes.channel(s.store(), atOnce), "pipe"), false))
                .as("pipe, %s", s)
                .isEqualTo(s.expected());
    }

    @Property(tries = 60)
    void aStoreIsExtractedAsTheStreamThatTheKernelAccepts(@ForAll final long seed) throws IOException {
        final RandomStore s = RandomStore.of(seed);

        final byte[] bare = extract(s, true, "", "");
        final byte[] marked = extract(s, false, "g0", "g1");

        assertThat(bare).as("%s", s).isEqualTo(s.stream(s.expected()));
        assertThat(Arrays.copyOf(marked, 16)).isEqualTo(Arrays.copyOf(bare, 16));
        assertThat(Arrays.copyOfRange(marked, s.chunkBytes(), bare.length))
                .as("the same but for the header chunk and the trailer")
                .isEqualTo(Arrays.copyOfRange(bare, s.chunkBytes(), bare.length));
        for (final byte[] stream : List.of(bare, marked, framed(marked))) {
            assertThat(merged(s.base(), DeltaInput.of(Deltas.in(stream), "stream"), false))
                    .isEqualTo(s.expected());
        }
        assertThat(merged(s.base(), DeltaInput.of(Deltas.in(marked), "stream"), true))
                .isEqualTo(s.expected());
    }

    @Property(tries = 60)
    void aStoreThatIsCutChangesNothing(@ForAll final long seed) throws IOException {
        final RandomStore s = RandomStore.of(seed);
        final byte[] cut = Arrays.copyOf(s.store(), new Random(seed).nextInt(s.neededBytes()));
        final FaultyDisk disk = new FaultyDisk(s.base());

        assertThatThrownBy(() -> merge(disk, DeltaInput.of(new Bytes(cut), "file"), false))
                .as("%s cut at %d", s, cut.length)
                .isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> merge(disk, DeltaInput.of(new Bytes(cut), "file"), true))
                .isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> merge(disk, DeltaInput.of(Bytes.channel(cut, 1 << 20), "pipe"), false))
                .isInstanceOf(ReplicationException.class);
        assertThat(disk.imageNow()).isEqualTo(s.base());
    }

    @Property(tries = 100)
    void anyFlippedBitIsRefusedBeforeTheTargetChanges(@ForAll final long seed) throws IOException {
        final RandomStore s = RandomStore.of(seed);
        final Random random = new Random(seed);
        final byte[] marked = extract(s, false, "", "g1");
        final byte[] stream = random.nextBoolean() ? marked : framed(marked);
        // beginnings and ends are as often hit as all the rest
        final int at = switch (random.nextInt(3)) {
            case 0 -> random.nextInt(Math.min(600, stream.length));
            case 1 -> stream.length - 1 - random.nextInt(Math.min(600, stream.length));
            default -> random.nextInt(stream.length);
        };
        stream[at] ^= (byte) (1 << random.nextInt(8));
        final FaultyDisk disk = new FaultyDisk(s.base());

        assertThatThrownBy(() -> merge(disk, DeltaInput.of(Deltas.in(stream), "stream"), false))
                .as("%s, byte %d of %d", s, at, stream.length)
                .isInstanceOf(ReplicationException.class);

        assertThat(disk.imageNow()).isEqualTo(s.base());
    }

    @Property(tries = 40)
    void aCutStreamGoesOnThoughTheStoreHasGrown(@ForAll final long seed) throws IOException {
        final RandomStore s = RandomStore.of(seed);
        final Random random = new Random(seed);
        final byte[] marked = extract(s, false, "g0", "g1");
        final byte[] cut = Arrays.copyOf(marked, 512 + random.nextInt(marked.length - 512));
        final FaultyDisk disk = new FaultyDisk(s.base());
        assertThatThrownBy(() -> merge(disk, DeltaInput.of(Deltas.in(cut), "cut"), false))
                .isInstanceOf(ReplicationException.class);
        final ResumeToken token;
        try (DeltaTarget target = open(disk)) {
            token = ResumeToken.parse(target.position().toString());
        }
        final ByteArrayOutputStream rest = new ByteArrayOutputStream();
        try (Changes grown = grown(s)) {
            DeltaExtract.send(
                    grown,
                    new Bytes(s.expected()),
                    ExtractOptions.of(false, "g0", "g1", NEVER),
                    token,
                    Channels.newChannel(rest));
        }

        merge(disk, DeltaInput.of(Deltas.in(rest.toByteArray()), "rest"), false);

        assertThat(disk.imageNow()).as("%s, from %s", s, token).isEqualTo(s.expected());
        assertThat(rest.size())
                .isLessThanOrEqualTo(marked.length - (int) token.offset() + ResumeToken.LENGTH + 512 * 24);
    }

    /** The changes of a store by the time it is read again: those of before, and all other chunks behind them. */
    private static Changes grown(final RandomStore s) throws IOException {
        final Changes changes = changes(s.store(), s.expected().length);
        for (int chunk = 0; chunk * s.chunkBytes() < s.expected().length; chunk++) {
            if (!s.origins().contains(chunk)) {
                changes.chunks().entry(chunk, 0);
            }
        }
        return changes;
    }

    @Property(tries = 40)
    void aCompositionDoesWhatItsPartsDo(@ForAll final long seed) throws IOException {
        final Random random = new Random(seed);
        final byte[] first = Deltas.image(512 * (1 + random.nextInt(600)), seed);
        final List<Compose.Delta> deltas = new ArrayList<>();
        byte[] image = first;
        final int count = 2 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            final int chunk = 512 << random.nextInt(5);
            final byte[] grown =
                    Arrays.copyOf(image, image.length + 512 * (random.nextInt(3) == 0 ? random.nextInt(40) : 0));
            final byte[] next = Deltas.change(grown, chunk, random.nextInt(30), seed + i);
            final byte[] delta = i < count - 1 && random.nextInt(4) == 0
                    ? Deltas.bare(image, next, chunk)
                    : Deltas.marked(image, next, chunk, "g" + i, "g" + (i + 1));
            deltas.add(Compose.Delta.open(new Bytes(delta), "delta " + i, false));
            image = next;
        }
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        new Compose(deltas).write(Channels.newChannel(out), false);
        final byte[] target = Arrays.copyOf(first, image.length);

        assertThat(merged(target, DeltaInput.of(Deltas.in(out.toByteArray()), "composed"), false))
                .isEqualTo(image);
    }

    @Property(tries = 10)
    void aCompositionOfMarkedDeltasKnowsItsBase(@ForAll final long seed) throws IOException {
        final byte[] first = Deltas.image(200_000, seed);
        final byte[] second = Deltas.change(first, 4096, 5, seed + 1);
        final byte[] third = Deltas.change(second, 4096, 5, seed + 2);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        new Compose(List.of(
                        Compose.Delta.open(new Bytes(Deltas.marked(first, second, 4096, "", "")), "a", false),
                        Compose.Delta.open(new Bytes(Deltas.marked(second, third, 4096, "", "")), "b", false)))
                .write(Channels.newChannel(out), false);
        final byte[] other = Deltas.image(200_000, seed + 3);

        assertThatThrownBy(() -> merged(other, DeltaInput.of(Deltas.in(out.toByteArray()), "composed"), false))
                .hasMessageContaining("not the base");
    }

    @Test
    void bareDeltasWithChunksOfSeveralSizesAreNotComposed() throws IOException {
        final byte[] first = Deltas.image(200_192, 1);
        final byte[] second = Deltas.change(first, 512, 5, 2);
        final byte[] third = Deltas.change(second, 4096, 5, 3);
        final byte[] small = Deltas.bare(first, second, 512);
        final byte[] large = Deltas.bare(second, third, 4096);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThatThrownBy(() -> new Compose(List.of(
                                Compose.Delta.open(new Bytes(small), "a", false),
                                Compose.Delta.open(new Bytes(large), "b", false)))
                        .write(Channels.newChannel(out), false))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("the last delta is bare");
        assertThat(out.size()).isZero();
    }
}
