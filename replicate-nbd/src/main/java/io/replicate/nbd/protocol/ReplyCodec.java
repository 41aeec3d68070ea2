package io.replicate.nbd.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

/** Writes reply headers and the small reply chunks of the transmission phase. */
public final class ReplyCodec {
    /** The longest error text that is sent, in bytes. */
    private static final int MAX_ERROR_TEXT = 256;

    private ReplyCodec() {}

    /** Appends a simple reply header. */
    public static void simple(ByteBuf to, int error, long cookie) {
        to.writeInt(Nbd.SIMPLE_REPLY_MAGIC).writeInt(error).writeLong(cookie);
    }

    /** Returns the length of a chunk header in bytes. */
    public static int chunkHeader(boolean extended) {
        return extended ? Nbd.EXTENDED_REPLY_HEADER : Nbd.STRUCTURED_REPLY_HEADER;
    }

    /**
     * Appends a chunk header.
     *
     * @param requestOffset of the request, which extended headers repeat.
     * @param length of the payload in bytes.
     */
    public static void chunk(
            ByteBuf to, boolean extended, boolean done, int type, long cookie, long requestOffset, int length) {
        to.writeInt(extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
        to.writeShort(done ? Nbd.REPLY_FLAG_DONE : 0).writeShort(type).writeLong(cookie);
        if (extended) {
            to.writeLong(requestOffset).writeLong(Integer.toUnsignedLong(length));
        } else {
            to.writeInt(length);
        }
    }

    /** Appends a NONE chunk: the end of a reply. */
    public static void none(ByteBuf to, boolean extended, long cookie, long requestOffset) {
        chunk(to, extended, true, Nbd.REPLY_NONE, cookie, requestOffset, 0);
    }

    /** Appends an OFFSET_DATA chunk up to where its {@code length} bytes of data begin. */
    public static void data(
            ByteBuf to, boolean extended, boolean done, long cookie, long requestOffset, long offset, int length) {
        chunk(to, extended, done, Nbd.REPLY_OFFSET_DATA, cookie, requestOffset, Long.BYTES + length);
        to.writeLong(offset);
    }

    /** Appends an OFFSET_HOLE chunk. */
    public static void hole(
            ByteBuf to, boolean extended, boolean done, long cookie, long requestOffset, long offset, int length) {
        chunk(to, extended, done, Nbd.REPLY_OFFSET_HOLE, cookie, requestOffset, Long.BYTES + Integer.BYTES);
        to.writeLong(offset).writeInt(length);
    }

    /** Appends the final error chunk of a reply, with a text for people. */
    public static void error(ByteBuf to, boolean extended, int error, long cookie, long requestOffset, String text) {
        final int header = to.writerIndex();
        chunk(to, extended, true, Nbd.REPLY_ERROR, cookie, requestOffset, 0);
        to.writeInt(error);
        writeText(to, text);
        patchLength(to, header, extended);
    }

    /** Appends the final error chunk of a reply whose failure has a place. */
    public static void errorAt(
            ByteBuf to, boolean extended, int error, long cookie, long requestOffset, String text, long offset) {
        final int header = to.writerIndex();
        chunk(to, extended, true, Nbd.REPLY_ERROR_OFFSET, cookie, requestOffset, 0);
        to.writeInt(error);
        writeText(to, text);
        to.writeLong(offset);
        patchLength(to, header, extended);
    }

    private static void writeText(ByteBuf to, String text) {
        final int at = to.writerIndex();
        to.writeShort(0);
        int length = ByteBufUtil.writeUtf8(to, text);
        if (length > MAX_ERROR_TEXT) {
            length = MAX_ERROR_TEXT;
            while ((to.getByte(at + Short.BYTES + length) & 0xc0) == 0x80) {
                length--; // never cut through a character
            }
            to.writerIndex(at + Short.BYTES + length);
        }
        to.setShort(at, length);
    }

    private static void patchLength(ByteBuf to, int header, boolean extended) {
        final int length = to.writerIndex() - header - chunkHeader(extended);
        if (extended) {
            to.setLong(header + Nbd.EXTENDED_REPLY_HEADER - Long.BYTES, length);
        } else {
            to.setInt(header + Nbd.STRUCTURED_REPLY_HEADER - Integer.BYTES, length);
        }
    }
}
