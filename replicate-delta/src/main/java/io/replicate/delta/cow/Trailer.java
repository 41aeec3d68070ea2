package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What follows the last area of a marked stream, little-endian. Kernel and dds never look there.
 *
 * <pre>
 *  off size field
 *    0   8  "RPLtrail"
 *    8   4  version, 1
 *   12   4  areas, A
 *   16   8  exceptions
 *   24   8  bytes of the stream before the trailer
 *   32   4  samples, S (at most 4096)
 *   36   4  flags, 0
 *   40  4A  CRC32C of each area chunk with all that follows it up to the next
 *    …  24S samples: u64 offset in the image, u32 length, u32 zero, first 8 bytes of the SHA-256
 *    …  32  SHA-256 of every byte of the stream before this field
 * </pre>
 */
public final class Trailer {
    /** The most samples that a trailer carries. */
    public static final int MAX_SAMPLES = 4096;

    static final int FIXED_BYTES = 40;
    static final int SHA_BYTES = 32;

    private static final byte[] MAGIC = "RPLtrail".getBytes(StandardCharsets.US_ASCII);
    private static final int SAMPLE_BYTES = 24;
    private static final int AREAS_OFFSET = 12;
    private static final int SAMPLES_OFFSET = 32;

    /**
     * The hash of a range that a delta leaves as it is.
     *
     * @param offset in the image, in bytes.
     * @param length in bytes.
     * @param hash the first 8 bytes of the SHA-256, big-endian.
     */
    public record Sample(long offset, int length, long hash) {}

    private Trailer() {}

    /**
     * Returns the trailer without the SHA-256, ready to be written.
     *
     * @param areaCrcs CRC32C of each area with its data.
     * @param exceptions in the stream.
     * @param bodyBytes of the stream before the trailer.
     * @param samples of ranges that the delta does not change: the base must have them.
     */
    static ByteBuffer encode(
            final int[] areaCrcs, final long exceptions, final long bodyBytes, final List<Sample> samples) {
        final ByteBuffer b = ByteBuffer.allocate(FIXED_BYTES + 4 * areaCrcs.length + SAMPLE_BYTES * samples.size())
                .order(ByteOrder.LITTLE_ENDIAN);
        b.put(MAGIC).putInt(1).putInt(areaCrcs.length).putLong(exceptions).putLong(bodyBytes);
        b.putInt(samples.size()).putInt(0);
        for (final int crc : areaCrcs) {
            b.putInt(crc);
        }
        for (final Sample sample : samples) {
            b.putLong(sample.offset()).putInt(sample.length()).putInt(0).putLong(sample.hash());
        }
        return b.flip();
    }

    /**
     * Checks the first 40 bytes against what was counted, and returns how many bytes follow, the SHA-256 not counted.
     *
     * @throws ReplicationException CORRUPT when a number is not what it must be.
     */
    static int checkFixed(
            final ByteBuffer fixed, final int areas, final long exceptions, final long body, final String where)
            throws ReplicationException {
        final ByteBuffer b = fixed.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        final byte[] magic = new byte[MAGIC.length];
        b.get(magic);
        final int samples = b.getInt(SAMPLES_OFFSET);
        if (!java.util.Arrays.equals(magic, MAGIC)
                || b.getInt(MAGIC.length) != 1
                || b.getInt(AREAS_OFFSET) != areas
                || b.getLong(AREAS_OFFSET + 4) != exceptions
                || b.getLong(AREAS_OFFSET + 12) != body
                || samples < 0
                || samples > MAX_SAMPLES
                || b.getInt(SAMPLES_OFFSET + 4) != 0) {
            throw ReplicationException.corrupt(
                    where + ": offset " + body + ": the trailer is damaged, or its counts are not those of the stream");
        }
        return 4 * areas + SAMPLE_BYTES * samples;
    }

    /** Checks the CRCs that follow the fixed part, and returns the samples. */
    static List<Sample> checkRest(
            final ByteBuffer rest, final int[] areaCrcs, final SnapLayout layout, final String where)
            throws ReplicationException {
        final ByteBuffer b = rest.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        for (int area = 0; area < areaCrcs.length; area++) {
            if (b.getInt() != areaCrcs[area]) {
                throw ReplicationException.corrupt(where + ": the CRC32C of area " + area + " (offset "
                        + layout.areaOffset(area) + ") does not match: the stream was changed on the way");
            }
        }
        final List<Sample> samples = new ArrayList<>();
        while (b.hasRemaining()) {
            final long offset = b.getLong();
            final int length = b.getInt();
            final int zero = b.getInt();
            final long hash = b.getLong();
            if (offset < 0 || length < 1 || offset > Long.MAX_VALUE - length || zero != 0) {
                throw ReplicationException.corrupt(where + ": the trailer has a sample at offset " + offset
                        + ", length " + length + ": it is damaged");
            }
            samples.add(new Sample(offset, length, hash));
        }
        return samples;
    }
}
