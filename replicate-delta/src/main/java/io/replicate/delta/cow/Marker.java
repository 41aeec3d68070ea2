package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * What Replicate adds to the header chunk of a stream, in bytes that neither the kernel nor dds reads: 180 bytes at
 * offset 64, little-endian.
 *
 * <pre>
 *  off size field
 *   64   8  "RPLdelta"
 *   72   4  version, 1
 *   76   4  flags, 0
 *   80   8  size of the image in bytes
 *   88   8  exceptions in the stream
 *   96  16  stream id
 *  112  64  base: the generation that the delta changes; ASCII, zero-padded, empty when it is not known
 *  176  64  generation that the delta leads to; likewise
 *  240   4  CRC32C of bytes 0 to 239
 * </pre>
 *
 * @param imageBytes size of the image, at least 0.
 * @param exceptions in the stream, at least 0.
 * @param streamId 32 hexadecimal digits, chosen at random by the writer.
 * @param base generation, or empty.
 * @param generation that the delta leads to, or empty.
 */
public record Marker(long imageBytes, long exceptions, String streamId, String base, String generation) {
    /** The bytes of the header chunk that the marker and the header use. */
    public static final int END = 244;

    /** The longest generation id in characters. */
    public static final int MAX_ID = 64;

    static final int OFFSET = 64;

    private static final byte[] MAGIC = "RPLdelta".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION_OFFSET = 72;
    private static final int FLAGS_OFFSET = 76;
    private static final int IMAGE_OFFSET = 80;
    private static final int EXCEPTIONS_OFFSET = 88;
    private static final int STREAM_ID_OFFSET = 96;
    private static final int STREAM_ID_BYTES = 16;
    private static final int BASE_OFFSET = 112;
    private static final int GENERATION_OFFSET = 176;
    private static final int CRC_OFFSET = 240;

    public Marker {
        if (imageBytes < 0 || exceptions < 0 || streamId.length() != 2 * STREAM_ID_BYTES) {
            throw new IllegalArgumentException(
                    "marker image=" + imageBytes + " exceptions=" + exceptions + " stream=" + streamId);
        }
        checkId(base);
        checkId(generation);
    }

    private static void checkId(final String id) {
        if (!isId(id)) {
            throw new IllegalArgumentException("generation id '" + id + "'");
        }
    }

    /** Returns whether a text can be a generation id: empty, or up to 64 printable ASCII characters without spaces. */
    public static boolean isId(final String id) {
        return id.length() <= MAX_ID && id.chars().allMatch(c -> c > ' ' && c < 0x7f);
    }

    /** Writes the marker into a header chunk (position 0) whose first 16 bytes are already there. */
    public void put(final ByteBuffer headerChunk) {
        final ByteBuffer b = headerChunk.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        b.position(OFFSET).put(MAGIC);
        b.putInt(VERSION_OFFSET, 1);
        b.putInt(FLAGS_OFFSET, 0);
        b.putLong(IMAGE_OFFSET, imageBytes);
        b.putLong(EXCEPTIONS_OFFSET, exceptions);
        b.position(STREAM_ID_OFFSET).put(HexFormat.of().parseHex(streamId));
        b.position(BASE_OFFSET).put(base.getBytes(StandardCharsets.US_ASCII));
        b.position(GENERATION_OFFSET).put(generation.getBytes(StandardCharsets.US_ASCII));
        b.putInt(CRC_OFFSET, crc(b));
    }

    /** Returns whether a marker begins at its place in a header chunk (position 0, at least {@link #END} bytes). */
    public static boolean present(final ByteBuffer headerChunk) {
        final byte[] magic = new byte[MAGIC.length];
        headerChunk.duplicate().position(OFFSET).get(magic);
        return java.util.Arrays.equals(magic, MAGIC);
    }

    /**
     * Parses the marker of a header chunk.
     *
     * @throws ReplicationException CORRUPT when it is damaged or of a later version.
     */
    static Marker parse(final ByteBuffer headerChunk, final String where) throws ReplicationException {
        final ByteBuffer b = headerChunk.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (b.getInt(CRC_OFFSET) != crc(b)) {
            throw ReplicationException.corrupt(where + ": offset 240: the CRC32C of the header does not match");
        }
        if (b.getInt(VERSION_OFFSET) != 1 || b.getInt(FLAGS_OFFSET) != 0) {
            throw ReplicationException.corrupt(where + ": offset 72: the marker is of version "
                    + Integer.toUnsignedString(b.getInt(VERSION_OFFSET)) + ", flags "
                    + Integer.toUnsignedString(b.getInt(FLAGS_OFFSET)) + "; this program knows version 1, flags 0");
        }
        final String base = id(b, BASE_OFFSET);
        final String generation = id(b, GENERATION_OFFSET);
        final byte[] streamId = new byte[STREAM_ID_BYTES];
        b.position(STREAM_ID_OFFSET).get(streamId);
        if (b.getLong(IMAGE_OFFSET) < 0 || b.getLong(EXCEPTIONS_OFFSET) < 0 || !isId(base) || !isId(generation)) {
            throw ReplicationException.corrupt(where + ": offset 80: the marker's numbers are out of range");
        }
        return new Marker(
                b.getLong(IMAGE_OFFSET),
                b.getLong(EXCEPTIONS_OFFSET),
                HexFormat.of().formatHex(streamId),
                base,
                generation);
    }

    private static String id(final ByteBuffer b, final int offset) {
        final byte[] raw = new byte[MAX_ID];
        b.duplicate().position(offset).get(raw);
        int end = 0;
        while (end < raw.length && raw[end] != 0) {
            end++;
        }
        return new String(raw, 0, end, StandardCharsets.ISO_8859_1);
    }

    private static int crc(final ByteBuffer headerChunk) {
        final CRC32C crc = new CRC32C();
        crc.update(headerChunk.duplicate().position(0).limit(CRC_OFFSET));
        return (int) crc.getValue();
    }
}
