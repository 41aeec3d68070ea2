package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class ExtentDigestTest {
    private static final int MIB = 1 << 20;

    /** The formula of the javadoc, straight from its words. */
    private static byte[] byTheWords(final byte[] image) {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        byte[] state = new byte[32];
        int at = 0;
        while (at < image.length) {
            final int end = Math.min(image.length, at + MIB);
            final ByteBuffer entry = ByteBuffer.allocate(21);
            if (isZero(image, at, end)) {
                int runEnd = end;
                while (runEnd < image.length && isZero(image, runEnd, Math.min(image.length, runEnd + MIB))) {
                    runEnd = Math.min(image.length, runEnd + MIB);
                }
                entry.putLong(at).putLong(runEnd - at).putInt(0).put((byte) 0);
                at = runEnd;
            } else {
                final CRC32C crc = new CRC32C();
                crc.update(image, at, end - at);
                entry.putLong(at).putLong(end - at).putInt((int) crc.getValue()).put((byte) 1);
                at = end;
            }
            sha.update(state);
            state = sha.digest(entry.array());
        }
        return state;
    }

    private static boolean isZero(final byte[] image, final int from, final int to) {
        for (int i = from; i < to; i++) {
            if (image[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** An image of random and zero stretches. */
    static byte[] image(final long seed, final int length) {
        final Random random = new Random(seed);
        final byte[] image = new byte[length];
        int at = 0;
        while (at < length) {
            final int n = Math.min(length - at, 1 + random.nextInt(random.nextBoolean() ? 3 * MIB : 5000));
            if (random.nextBoolean()) {
                final byte[] data = new byte[n];
                random.nextBytes(data);
                System.arraycopy(data, 0, image, at, n);
            }
            at += n;
        }
        return image;
    }

    private static void feed(
            final ExtentDigest digest, final byte[] image, final int from, final int to, final Random random) {
        int at = from;
        while (at < to) {
            int n = Math.min(to - at, 1 + random.nextInt(random.nextBoolean() ? 2 * MIB : 7000));
            if (isZero(image, at, at + n) && random.nextBoolean()) {
                digest.zeros(at, n);
            } else if (random.nextBoolean()) {
                digest.data(at, ByteBuffer.wrap(image, at, n));
            } else {
                n = (int) Math.min(n, ExtentDigest.roomInChunk(at));
                if (isZero(image, at, at + n)) {
                    digest.zeros(at, n);
                } else {
                    final CRC32C crc = new CRC32C();
                    crc.update(image, at, n);
                    digest.data(at, n, (int) crc.getValue());
                }
            }
            at += n;
        }
    }

    @Property(tries = 60)
    void theDigestDependsOnTheBytesAndNotOnHowTheyCome(
            @ForAll final long seed, @ForAll @IntRange(max = 9 * MIB) final int length) {
        final byte[] image = image(seed, length);
        final ExtentDigest digest = new ExtentDigest();

        feed(digest, image, 0, length, new Random(seed ^ 1));

        final Digest found = digest.finish();
        assertThat(found.hash()).isEqualTo(byTheWords(image));
        assertThat(found.lengthBytes()).isEqualTo(length);
    }

    @Property(tries = 40)
    void aRestoredDigestGoesOnAsIfNothingHadHappened(
            @ForAll final long seed,
            @ForAll @IntRange(min = 1, max = 6 * MIB) final int length,
            @ForAll @IntRange(max = 6 * MIB) final int cut)
            throws ReplicationException {
        final byte[] image = image(seed, length);
        final int at = Math.min(cut, length);
        final ExtentDigest before = new ExtentDigest();
        feed(before, image, 0, at, new Random(seed ^ 2));

        final ExtentDigest after = ExtentDigest.restore(before.save());
        feed(after, image, at, length, new Random(seed ^ 3));

        assertThat(after.finish().hash()).isEqualTo(byTheWords(image));
    }

    @Property(tries = 200)
    void anyChangedByteChangesTheDigest(
            @ForAll @Size(min = 1, max = 3000) final byte[] image, @ForAll final int where, @ForAll final byte to) {
        final byte[] other = image.clone();
        final int at = Math.floorMod(where, image.length);
        other[at] = to;

        final boolean same = Arrays.equals(image, other);
        assertThat(digest(image).equals(digest(other))).isEqualTo(same);
    }

    private static Digest digest(final byte[] image) {
        final ExtentDigest digest = new ExtentDigest();
        digest.data(0, ByteBuffer.wrap(image));
        return digest.finish();
    }

    @Property
    void crcsOfPiecesCombineToTheCrcOfTheWhole(
            @ForAll @Size(max = 2000) final byte[] bytes, @ForAll @IntRange(max = 2000) final int cut) {
        final int at = Math.min(cut, bytes.length);

        assertThat(Crc32cMath.combine(crc(bytes, 0, at), crc(bytes, at, bytes.length), bytes.length - at))
                .isEqualTo(crc(bytes, 0, bytes.length));
        assertThat(Crc32cMath.ofZeros(at)).isEqualTo(crc(new byte[at], 0, at));
    }

    private static int crc(final byte[] bytes, final int from, final int to) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes, from, to - from);
        return (int) crc.getValue();
    }

    @Test
    void volumesOfZerosThatDifferInSizeDiffer() {
        final ExtentDigest one = new ExtentDigest();
        one.zeros(0, 1L << 40);
        final ExtentDigest other = new ExtentDigest();
        other.zeros(0, (1L << 40) + 1);

        assertThat(one.finish().hash()).isNotEqualTo(other.finish().hash());
    }

    @Test
    void rangesThatAreLeftOutAreNotZeros() {
        final ExtentDigest gap = new ExtentDigest();
        gap.zeros(0, 100);
        gap.zeros(200, 100);
        final ExtentDigest whole = new ExtentDigest();
        whole.zeros(0, 300);

        assertThat(gap.finish().hash()).isNotEqualTo(whole.finish().hash());
    }

    @Test
    void aBlockIsDigestedWithoutAllocatingAnything() {
        final ByteBuffer block = ByteBuffer.allocateDirect(MIB).put(5, (byte) 1).put(0, (byte) 1);
        final ExtentDigest digest = new ExtentDigest();
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        final int warmUp = 200;
        final int blocks = 2000;
        long before = 0;

        for (int i = 0; i < blocks; i++) {
            if (i == warmUp) {
                before = threads.getCurrentThreadAllocatedBytes();
            }
            digest.data((long) i * MIB, block);
        }

        final long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(allocated / (blocks - warmUp)).isLessThan(64);
    }

    @Test
    void theOrderIsAscending() {
        final ExtentDigest digest = new ExtentDigest();
        digest.zeros(100, 100);

        assertThatThrownBy(() -> digest.zeros(150, 10)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> digest.data(MIB - 1, 2, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aTornStateIsRefused() {
        assertThatThrownBy(() -> ExtentDigest.restore(new byte[5])).isInstanceOf(ReplicationException.class);
        final byte[] impossible = new ExtentDigest().save();
        Arrays.fill(impossible, (byte) 0xFF);
        assertThatThrownBy(() -> ExtentDigest.restore(impossible)).isInstanceOf(ReplicationException.class);
    }

    @Test
    void zerosAreFoundWhereverTheOddByteIs() {
        for (final int length : new int[] {0, 1, 7, 4096, 65536, 65537, 200_000}) {
            final ByteBuffer bytes = ByteBuffer.allocateDirect(length + 9).position(9);
            assertThat(Zeros.isZero(bytes)).as("%d zeros", length).isTrue();
            for (int at = 9; at < length + 9; at += Math.max(1, length / 50)) {
                bytes.put(at, (byte) 1);
                assertThat(Zeros.isZero(bytes)).as("%d of %d", at, length).isFalse();
                bytes.put(at, (byte) 0);
            }
        }
    }
}
