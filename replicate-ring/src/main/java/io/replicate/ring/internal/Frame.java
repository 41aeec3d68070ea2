package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * One frame of the data stream: immutable, and shared by the store and by every child's sender through the reference
 * count of its block.
 */
final class Frame {
    private final int type;
    private final int flags;
    private final long position;
    private final long extentLength;
    private final int payloadCrc;
    private final @Nullable Block payload;
    private final String digest;

    private Frame(
            final int type,
            final int flags,
            final long position,
            final long extentLength,
            final int payloadCrc,
            final @Nullable Block payload,
            final String digest) {
        this.type = type;
        this.flags = flags;
        this.position = position;
        this.extentLength = extentLength;
        this.payloadCrc = payloadCrc;
        this.payload = payload;
        this.digest = digest;
    }

    /** Returns a frame of data; takes over the caller's reference to the payload (as it is on the wire). */
    static Frame data(
            final int flags, final long position, final long extentLength, final int payloadCrc, final Block payload) {
        return new Frame(FrameType.DATA, flags, position, extentLength, payloadCrc, payload, "");
    }

    /**
     * Returns a frame of data whose bytes are not in memory but where the feed's owner can send them from: in its source,
     * or in its target already.
     */
    static Frame stored(final int flags, final long position, final long extentLength, final int payloadCrc) {
        return new Frame(FrameType.DATA, flags, position, extentLength, payloadCrc, null, "");
    }

    /** Returns a frame of type ZERO or HOLE. */
    static Frame empty(final int type, final long position, final long extentLength) {
        return new Frame(type, 0, position, extentLength, 0, null, "");
    }

    /** Returns the frame behind the last: the size of the volume and the server's digest, empty when not verified. */
    static Frame end(final long size, final String digest) {
        return new Frame(FrameType.END, 0, size, 0, 0, null, digest);
    }

    int type() {
        return type;
    }

    int flags() {
        return flags;
    }

    long position() {
        return position;
    }

    long extentLength() {
        return extentLength;
    }

    long endPosition() {
        return position + extentLength;
    }

    int payloadCrc() {
        return payloadCrc;
    }

    @Nullable
    Block payload() {
        return payload;
    }

    /** Returns whether there are bytes that are not in memory. */
    boolean isStored() {
        return type == FrameType.DATA && payload == null;
    }

    boolean isEnd() {
        return type == FrameType.END;
    }

    /** Returns the digest that an END frame carries, in hexadecimal. */
    String digest() {
        return digest;
    }

    byte[] digestBytes() {
        return HexFormat.of().parseHex(digest);
    }

    Frame retain() {
        if (payload != null) {
            payload.retain();
        }
        return this;
    }

    void release() {
        if (payload != null) {
            payload.release();
        }
    }

    /** Returns the part of a ZERO or HOLE frame from {@code from} on. */
    Frame tail(final long from) {
        if (type == FrameType.DATA || from <= position || from >= endPosition()) {
            throw new IllegalArgumentException("tail from " + from + " of " + this);
        }
        return empty(type, from, endPosition() - from);
    }

    @Override
    public String toString() {
        return "frame type=" + type + " position=" + position + " length=" + extentLength;
    }
}
