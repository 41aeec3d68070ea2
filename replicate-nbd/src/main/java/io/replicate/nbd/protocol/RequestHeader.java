package io.replicate.nbd.protocol;

import io.netty.buffer.ByteBuf;

/**
 * A request header, compact or extended, read from and written to a buffer. One instance is used again for every request
 * of a connection; not safe for use by several threads.
 */
public final class RequestHeader {
    private static final int FLAGS = 4;
    private static final int TYPE = 6;
    private static final int COOKIE = 8;
    private static final int OFFSET = 16;
    private static final int LENGTH = 24;

    private int flags;
    private int type;
    private long cookie;
    private long offset;
    private long length;

    /** Returns the length of a header in bytes. */
    public static int bytes(boolean extended) {
        return extended ? Nbd.EXTENDED_REQUEST_HEADER : Nbd.REQUEST_HEADER;
    }

    /**
     * Reads the fields of the header that begins at {@code index}; reader and writer index stay.
     *
     * @return whether the magic is the right one; the other fields are set in either case.
     */
    public boolean decode(ByteBuf from, int index, boolean extended) {
        flags = from.getUnsignedShort(index + FLAGS);
        type = from.getUnsignedShort(index + TYPE);
        cookie = from.getLong(index + COOKIE);
        offset = from.getLong(index + OFFSET);
        length = extended ? from.getLong(index + LENGTH) : from.getUnsignedInt(index + LENGTH);
        return from.getInt(index) == (extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
    }

    /** Appends a header. */
    public static void encode(
            ByteBuf to, boolean extended, int flags, int type, long cookie, long offset, long length) {
        to.writeInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        to.writeShort(flags).writeShort(type).writeLong(cookie).writeLong(offset);
        if (extended) {
            to.writeLong(length);
        } else {
            to.writeInt((int) length);
        }
    }

    /** Returns the command flags. */
    public int flags() {
        return flags;
    }

    /** Returns the command. */
    public int type() {
        return type;
    }

    /** Returns what the reply must repeat; opaque. */
    public long cookie() {
        return cookie;
    }

    /** Returns the first byte concerned; unsigned. */
    public long offset() {
        return offset;
    }

    /** Returns the effect or payload length in bytes; unsigned. */
    public long length() {
        return length;
    }

    /** Returns whether a flag of {@code CMD_FLAG_} is set. */
    public boolean has(int flag) {
        return (flags & flag) != 0;
    }

    @Override
    public String toString() {
        return Nbd.commandName(type) + " offset=" + Long.toUnsignedString(offset) + " length="
                + Long.toUnsignedString(length) + (flags == 0 ? "" : " flags=0x" + Integer.toHexString(flags));
    }
}
