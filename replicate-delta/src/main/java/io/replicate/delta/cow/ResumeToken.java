package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * Where a cut transfer goes on: printed by the receiver, given to the sender, who repeats nothing before the offset if
 * its stream begins with the same bytes. A continued stream begins with 40 bytes, big-endian:
 *
 * <pre>
 *  off size field
 *    0   8  "RPLresum"
 *    8  16  stream id; zero for a bare stream
 *   24   8  offset
 *   32   4  CRC32C of the stream before the offset
 *   36   4  CRC32C of bytes 0 to 35
 * </pre>
 *
 * @param streamId 32 hexadecimal digits.
 * @param offset in the stream, in bytes.
 * @param crc CRC32C of the stream before the offset.
 * @param exceptions how many the stream has: the store of a snapshot in use names more by the time it is read again. Only
 *     in the text; {@link #ANY} when the receiver does not know, as of a bare stream.
 */
public record ResumeToken(String streamId, long offset, int crc, long exceptions) {
    /** The number of exceptions is not known: all that the store names now. */
    public static final long ANY = Long.MAX_VALUE;

    /** The stream id of a bare stream. */
    public static final String BARE = "0".repeat(32);

    /** Length of the beginning of a continued stream. */
    public static final int LENGTH = 40;

    /** The first bytes of a continued stream. */
    public static final String MAGIC = "RPLresum";

    private static final Pattern TEXT =
            Pattern.compile("rd1\\.([0-9a-f]{32})\\.([0-9]{1,18})\\.([0-9a-f]{8})\\.([0-9]{1,18}|all)");
    private static final int CRC_OFFSET = 36;

    /**
     * Parses what the receiver printed.
     *
     * @throws ReplicationException MISUSE when it is not a token.
     */
    public static ResumeToken parse(final String text) throws ReplicationException {
        final Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw ReplicationException.misuse(
                    "'" + text + "' is not a resume token; the receiver prints it with --merge --position");
        }
        return new ResumeToken(
                matcher.group(1),
                Long.parseLong(matcher.group(2)),
                Integer.parseUnsignedInt(matcher.group(3), 16),
                matcher.group(4).equals("all") ? ANY : Long.parseLong(matcher.group(4)));
    }

    /** Returns the 40 bytes that a continued stream begins with. */
    public ByteBuffer encode() {
        final ByteBuffer b = ByteBuffer.allocate(LENGTH);
        b.put(MAGIC.getBytes(StandardCharsets.US_ASCII)).put(HexFormat.of().parseHex(streamId));
        b.putLong(offset).putInt(crc);
        b.putInt(crc(b.array()));
        return b.flip();
    }

    /**
     * Parses the beginning of a continued stream.
     *
     * @throws ReplicationException CORRUPT when it is damaged.
     */
    public static ResumeToken decode(final byte[] bytes) throws ReplicationException {
        final ByteBuffer b = ByteBuffer.wrap(bytes);
        if (bytes.length < LENGTH || b.getInt(CRC_OFFSET) != crc(bytes) || b.getLong(24) < 0) {
            throw ReplicationException.corrupt("the beginning of the continued stream is damaged");
        }
        return new ResumeToken(HexFormat.of().formatHex(bytes, 8, 24), b.getLong(24), b.getInt(32), ANY);
    }

    private static int crc(final byte[] bytes) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes, 0, CRC_OFFSET);
        return (int) crc.getValue();
    }

    @Override
    public String toString() {
        return String.format("rd1.%s.%d.%08x.%s", streamId, offset, crc, exceptions == ANY ? "all" : exceptions);
    }
}
