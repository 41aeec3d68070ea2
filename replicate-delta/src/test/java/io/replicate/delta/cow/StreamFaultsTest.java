package io.replicate.delta.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Streams that are cut, changed, or handed over in the smallest pieces. */
class StreamFaultsTest {

    private static Marker marker(final long image, final long exceptions) {
        return new Marker(image, exceptions, "00112233445566778899aabbccddeeff", "base-1", "generation-2");
    }

    /** A marked stream of 512-byte chunks. */
    private static byte[] marked(final int exceptions, final long seed) throws IOException {
        return stream(exceptions, seed, marker(1 << 20, exceptions));
    }

    private static byte[] stream(
            final int exceptions, final long seed, final @org.jspecify.annotations.Nullable Marker marker)
            throws IOException {
        final Random random = new Random(seed);
        final byte[] image = new byte[1 << 20];
        random.nextBytes(image);
        final SnapLayout layout = new SnapLayout(512);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExceptionList list = new ExceptionList()) {
            final Set<Long> used = new HashSet<>();
            while (list.size() < exceptions) {
                final long chunk = random.nextInt(2048);
                if (used.add(chunk)) {
                    list.entry(chunk, 0);
                }
            }
            new StreamWriter(Channels.newChannel(out), layout, marker)
                    .write(
                            list,
                            ChunkData.ofImage(new Bytes(image), layout, image.length),
                            () -> List.of(new Trailer.Sample(0, 512, 42), new Trailer.Sample(4096, 512, 43)));
        }
        return out.toByteArray();
    }

    @Test
    void oneByteAtATimeIsEnough() throws IOException {
        final byte[] stream = marked(70, 1);
        final byte[] body = Model.read(Bytes.channel(stream, 1), false);
        assertThat(stream).startsWith(body);
        assertThat(body.length).isEqualTo((int) new SnapLayout(512).storeBytes(70));
    }

    @Test
    void cutAtAnyByteASmallMarkedStreamIsRefused() throws IOException {
        for (final int exceptions : new int[] {0, 1, 32}) {
            final byte[] stream = marked(exceptions, exceptions);
            for (int length = 0; length < stream.length; length++) {
                final byte[] cut = Arrays.copyOf(stream, length);
                assertThatThrownBy(() -> Model.read(Bytes.channel(cut, 4096), true))
                        .as("%d exceptions cut at %d", exceptions, length)
                        .isInstanceOf(ReplicationException.class);
            }
        }
    }

    @Test
    void cutAtAnyByteASmallBareStreamIsRefused() throws IOException {
        for (final int exceptions : new int[] {0, 1, 32, 33}) {
            final byte[] stream = stream(exceptions, exceptions, null);
            for (int length = 0; length < stream.length; length += length < 1100 ? 1 : 3) {
                final byte[] cut = Arrays.copyOf(stream, length);
                assertThatThrownBy(() -> Model.read(Bytes.channel(cut, 4096), false))
                        .as("%d exceptions cut at %d", exceptions, length)
                        .isInstanceOf(ReplicationException.class);
                assertThatThrownBy(() -> StoreReader.open(new Bytes(cut), "cut").exceptions(false))
                        .isInstanceOf(ReplicationException.class);
            }
        }
    }

    @Test
    void cutAtEveryChunkEdgeAKernelApprovedStreamIsRefused() {
        final byte[] stream = Fixtures.image("S.d257.stream.img");
        for (int length = 0; length < stream.length; length += 4096) {
            final byte[] cut = Arrays.copyOf(stream, length);
            assertThatThrownBy(() -> Model.read(Bytes.channel(cut, 1 << 20), false))
                    .as("cut at %d", length)
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void anyFlippedBitOfAMarkedStreamIsRefused() throws IOException {
        final byte[] stream = marked(9, 5);
        for (int at = 0; at < stream.length; at++) {
            final byte[] bad = stream.clone();
            bad[at] ^= (byte) (1 << (at % 8));
            final int where = at;
            assertThatThrownBy(() -> Model.read(Bytes.channel(bad, 1 << 20), true))
                    .as("byte %d", where)
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void anyFlippedBitOfAHeaderIsRefused() {
        final byte[] stream = Fixtures.image("S.d0t.stream.img");
        for (int bit = 0; bit < 8 * 4096; bit += bit < 8 * 16 ? 1 : bit < 8 * 512 ? 7 : 997) {
            final byte[] bad = stream.clone();
            bad[bit / 8] ^= (byte) (1 << (bit % 8));
            final int which = bit;
            assertThatThrownBy(() -> Model.read(Bytes.channel(bad, 1 << 20), false))
                    .as("bit %d", which)
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void entriesThatCannotBeAreRefused() {
        final long[][] bad = {
            {7, 1}, // the place of area 0
            {7, 1 + 257}, // the place of area 1
            {7, 259}, // behind the end
            {7, -1},
            {7, Long.MIN_VALUE},
            {-1, 2},
            {1L << 52, 2}, // the product overflows
            {Long.MAX_VALUE / 4096, 2},
        };
        for (final long[] entry : bad) {
            final byte[] store = Fixtures.image("S.d257.stream.img");
            ByteBuffer.wrap(store)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(4096, entry[0])
                    .putLong(4104, entry[1]);
            final byte[] cut = Arrays.copyOf(store, 259 * 4096);
            assertThatThrownBy(() -> StoreReader.open(new Bytes(cut), "bad").exceptions(true))
                    .as("%s", Arrays.toString(entry))
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void aChunkNamedTwiceIsRefused() {
        for (final int field : new int[] {0, 8}) {
            final byte[] store = Fixtures.image("S.d257.stream.img");
            final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
            b.putLong(4096 + 16 * 200 + field, b.getLong(4096 + field));
            assertThatThrownBy(() -> StoreReader.open(new Bytes(store), "twice").exceptions(false))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("two exceptions");
        }
    }

    @Test
    void aHugeChunkSizeAllocatesNothing() {
        final byte[] store = new byte[1024];
        final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
        for (final int sectors : new int[] {1 << 21, 1 << 22, 1 << 30, 1 << 31}) {
            b.putInt(0, SnapHeader.MAGIC).putInt(4, 1).putInt(8, 1).putInt(12, sectors);
            assertThatThrownBy(() -> StoreReader.open(new Bytes(store), "huge").exceptions(true))
                    .isInstanceOf(ReplicationException.class);
            assertThatThrownBy(() -> Model.read(Bytes.channel(store, 512), true))
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Property
    void whatIsWrittenIsReadBackAndMergesLikeTheModel(
            @ForAll @IntRange(max = 200) final int exceptions,
            @ForAll final long seed,
            @ForAll final boolean withMarker)
            throws IOException {
        final byte[] stream = stream(exceptions, seed, withMarker ? marker(1 << 20, exceptions) : null);
        final byte[] body = Model.read(Bytes.channel(stream, 999), false);
        final byte[] base = new byte[1 << 20];
        final byte[] expected = Model.merge(base, stream);

        final byte[] again = Model.extract(stream, expected, null);

        assertThat(Model.merge(base, body)).isEqualTo(expected);
        assertThat(Model.merge(base, again)).isEqualTo(expected);
    }

    @Property
    void aChangedByteIsNeverTakenForAnotherDelta(@ForAll final long seed) throws IOException {
        final Random random = new Random(seed);
        final byte[] stream = marked(random.nextInt(100), seed);
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            stream[random.nextInt(stream.length)] ^= (byte) (1 + random.nextInt(255));
        }
        final byte[] original = marked(new Random(seed).nextInt(100), seed);
        if (Arrays.equals(stream, original)) {
            return;
        }
        assertThatThrownBy(() -> Model.read(Bytes.channel(stream, 1 << 16), true))
                .isInstanceOf(ReplicationException.class);
    }
}
