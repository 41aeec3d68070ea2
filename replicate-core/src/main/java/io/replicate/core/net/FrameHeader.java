package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The header of every frame of Replicate's own protocols: a flyweight over 32 bytes, big-endian.
 *
 * <pre>
 *  off size field
 *    0   4  payload length in bytes, as it is on the wire
 *    4   1  type (each protocol has its own table)
 *    5   1  flags: bit 0-1 compression (0 none, 1 lz4, 2 zstd); bit 2-7 the protocol's own
 *    6   2  stream, for protocols with several; else 0
 *    8   8  position: an offset in bytes, or a sequence number
 *   16   8  extent length in bytes: of the data once decompressed, or of the zeros or hole
 *   24   4  CRC32C of the payload, as it is on the wire; 0 without a payload
 *   28   4  CRC32C of bytes 0 to 27
 * </pre>
 *
 * The header proves itself before any of its numbers is used. Not safe for use by several threads.
 */
public final class FrameHeader {
    /** Length of the header in bytes. */
    public static final int LENGTH = 32;

    /** The bits of {@link #flags()} that name the compression. */
    public static final int COMPRESSION_MASK = 0x03;

    private static final int PAYLOAD_LENGTH_OFFSET = 0;
    private static final int TYPE_OFFSET = 4;
    private static final int FLAGS_OFFSET = 5;
    private static final int STREAM_OFFSET = 6;
    private static final int POSITION_OFFSET = 8;
    private static final int EXTENT_LENGTH_OFFSET = 16;
    private static final int PAYLOAD_CRC_OFFSET = 24;
    private static final int HEADER_CRC_OFFSET = 28;

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(LENGTH).order(ByteOrder.BIG_ENDIAN);
    private final CRC32C crc = new CRC32C();

    /** Returns the 32 bytes, position 0, limit 32: to be filled before {@link #verify(int)}, or sent after {@link #seal()}. */
    public ByteBuffer bytes() {
        return buffer.clear();
    }

    /** Sets all fields but the CRC of the header. */
    public FrameHeader set(
            final int type,
            final int flags,
            final int stream,
            final long position,
            final long extentLength,
            final int payloadLength,
            final int payloadCrc) {
        buffer.putInt(PAYLOAD_LENGTH_OFFSET, payloadLength);
        buffer.put(TYPE_OFFSET, (byte) type);
        buffer.put(FLAGS_OFFSET, (byte) flags);
        buffer.putShort(STREAM_OFFSET, (short) stream);
        buffer.putLong(POSITION_OFFSET, position);
        buffer.putLong(EXTENT_LENGTH_OFFSET, extentLength);
        buffer.putInt(PAYLOAD_CRC_OFFSET, payloadCrc);
        return this;
    }

    /** Computes the header's own CRC and returns its bytes, ready to be sent. */
    public ByteBuffer seal() {
        buffer.putInt(HEADER_CRC_OFFSET, headerCrc());
        return buffer.clear();
    }

    /**
     * Checks a received header.
     *
     * @param maxPayloadBytes what the receiver has room for.
     * @throws ReplicationException CORRUPT when the CRC is wrong, or a number is outside what can be.
     */
    public void verify(final int maxPayloadBytes) throws ReplicationException {
        if (headerCrc() != buffer.getInt(HEADER_CRC_OFFSET)) {
            throw ReplicationException.corrupt(
                    "frame header: CRC32C does not match; not a Replicate peer, or one that expects a secret or TLS,"
                            + " or bytes were changed on the way");
        }
        if (payloadLength() < 0 || payloadLength() > maxPayloadBytes) {
            throw ReplicationException.corrupt("frame header: payload of " + Integer.toUnsignedString(payloadLength())
                    + " bytes, at most " + maxPayloadBytes + " are allowed");
        }
        if (position() < 0 || extentLength() < 0 || position() > Long.MAX_VALUE - extentLength()) {
            throw ReplicationException.corrupt(
                    "frame header: position=" + position() + " length=" + extentLength() + " is out of range");
        }
    }

    private int headerCrc() {
        crc.reset();
        crc.update(buffer.clear().limit(HEADER_CRC_OFFSET));
        buffer.clear();
        return (int) crc.getValue();
    }

    public int payloadLength() {
        return buffer.getInt(PAYLOAD_LENGTH_OFFSET);
    }

    public int type() {
        return buffer.get(TYPE_OFFSET) & 0xff;
    }

    public int flags() {
        return buffer.get(FLAGS_OFFSET) & 0xff;
    }

    public int stream() {
        return buffer.getShort(STREAM_OFFSET) & 0xffff;
    }

    public long position() {
        return buffer.getLong(POSITION_OFFSET);
    }

    public long extentLength() {
        return buffer.getLong(EXTENT_LENGTH_OFFSET);
    }

    public int payloadCrc() {
        return buffer.getInt(PAYLOAD_CRC_OFFSET);
    }
}
