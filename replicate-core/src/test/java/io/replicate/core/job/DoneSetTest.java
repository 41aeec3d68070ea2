package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class DoneSetTest {
    private static final int MIB = 1 << 20;

    private final Cancellation cancellation = new Cancellation();

    /** Extents of an image, cut at random, holes told or not. */
    static List<Extent> extents(final byte[] image, final Random random, final int alignment) {
        final List<Extent> extents = new ArrayList<>();
        int at = 0;
        while (at < image.length) {
            final int cut = (1 + random.nextInt(2 * MIB / alignment)) * alignment;
            final int n = Math.min(image.length - at, cut);
            final boolean zero = Zeros.isZero(ByteBuffer.wrap(image, at, n));
            extents.add(new Extent(
                    at,
                    n,
                    !zero || random.nextBoolean()
                            ? Extent.Kind.DATA
                            : random.nextBoolean() ? Extent.Kind.HOLE : Extent.Kind.ZERO));
            at += n;
        }
        return extents;
    }

    private static void finishPiece(final DoneSet done, final Extent piece, final byte[] image) {
        final ByteBuffer bytes = ByteBuffer.wrap(image, (int) piece.offset(), (int) piece.length());
        final CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        final boolean zero = Zeros.isZero(bytes);
        done.learned(piece.offset(), piece.length(), zero ? 0 : (int) crc.getValue(), zero);
        done.done(piece.offset());
    }

    /**
     * Hands out and finishes pieces in a random order, and stops somewhere.
     *
     * @return the set as it was when it stopped, or null when all was done.
     */
    private @org.jspecify.annotations.Nullable Map<String, byte[]> copy(
            final DoneSet done, final byte[] image, final Random random, final int stopAfter) throws IOException {
        final ExtentFeed feed = new ExtentFeed(
                MemorySource.planOf(extents(image, random, 1)), MIB >> random.nextInt(4), done, cancellation);
        final List<Extent> underWay = new ArrayList<>();
        for (int i = 0; i < stopAfter; i++) {
            final Extent next = underWay.size() < 8 && random.nextBoolean() ? feed.next() : null;
            if (next != null) {
                underWay.add(next);
            } else if (!underWay.isEmpty()) {
                finishPiece(done, underWay.remove(random.nextInt(underWay.size())), image);
            }
        }
        final Map<String, byte[]> saved = done.save();
        for (Extent piece = feed.next(); piece != null; piece = feed.next()) {
            underWay.add(piece);
        }
        while (!underWay.isEmpty()) {
            finishPiece(done, underWay.remove(random.nextInt(underWay.size())), image);
        }
        return saved;
    }

    @Property(tries = 60)
    void inWhateverOrderPiecesAreDoneTheDigestIsThatOfTheImage(
            @ForAll final long seed, @ForAll @IntRange(max = 8 * MIB) final int length) throws IOException {
        final byte[] image = ExtentDigestTest.image(seed, length);
        final DoneSet done = new DoneSet();

        copy(done, image, new Random(seed), 40);

        assertThat(done.finish()).isEqualTo(digestOf(image));
    }

    @Property(tries = 60)
    void aLoadedSetLeavesExactlyWhatIsMissing(
            @ForAll final long seed,
            @ForAll @IntRange(min = 1, max = 8 * MIB) final int length,
            @ForAll @IntRange(max = 60) final int stopAfter)
            throws IOException {
        final byte[] image = ExtentDigestTest.image(seed, length);
        final Random random = new Random(seed);
        final DoneSet loaded = DoneSet.load(new Progress(copy(new DoneSet(), image, random, stopAfter)));
        final long doneBytes = loaded.doneBytes();
        long missing = 0;

        final ExtentFeed feed =
                new ExtentFeed(MemorySource.planOf(extents(image, random, 1)), MIB, loaded, cancellation);
        for (Extent piece = feed.next(); piece != null; piece = feed.next()) {
            missing += piece.length();
            finishPiece(loaded, piece, image);
        }

        assertThat(doneBytes + missing).isEqualTo(length);
        assertThat(loaded.finish()).isEqualTo(digestOf(image));
    }

    private static Digest digestOf(final byte[] image) {
        final ExtentDigest digest = new ExtentDigest();
        digest.data(0, ByteBuffer.wrap(image));
        return digest.finish();
    }

    @Test
    void aHundredThousandPiecesInOrderAreRememberedInAFewBytes() throws IOException {
        final DoneSet done = new DoneSet();
        for (int i = 0; i < 100_000; i++) {
            done.begin(Extent.data((long) i * MIB, MIB), cancellation);
            done.learned((long) i * MIB, MIB, i, false);
            done.done((long) i * MIB);
        }

        assertThat(done.save().values().stream().mapToInt(v -> v.length).sum()).isLessThan(200);
        assertThat(done.doneBytes()).isEqualTo(100_000L * MIB);
    }

    @Property
    void garbageIsRefusedOrUnderstoodButNeverBreaksAnything(
            @ForAll @Size(max = 200) final byte[] digest,
            @ForAll @Size(max = 16) final byte[] watermark,
            @ForAll @Size(max = 64) final byte[] beyond) {
        try {
            DoneSet.load(new Progress(Map.of("digest", digest, "watermark", watermark, "beyond", beyond)));
        } catch (final IOException e) {
            assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.CORRUPT);
        }
    }

    @Property(tries = 40)
    void aSetWithAChangedByteIsRefusedOrLoads(@ForAll final long seed) throws IOException {
        final Random random = new Random(seed);
        final byte[] image = ExtentDigestTest.image(seed, 6 * MIB);
        final Map<String, byte[]> values = new HashMap<>(copy(new DoneSet(), image, random, 30));
        final List<String> names = List.of("digest", "watermark", "beyond");
        final byte[] value = values.get(names.get(random.nextInt(3))).clone();
        if (value.length > 0) {
            value[random.nextInt(value.length)] ^= (byte) (1 << random.nextInt(8));
        }
        values.put(names.get(random.nextInt(3)), value);

        try {
            assertThat(DoneSet.load(new Progress(values)).doneBytes()).isNotNegative();
        } catch (final IOException e) {
            assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.CORRUPT);
        }
    }

    @Test
    void aMissingValueIsNamed() {
        assertThatThrownBy(() -> DoneSet.load(new Progress(Map.of()))).hasMessageContaining("'watermark' is missing");
    }
}
