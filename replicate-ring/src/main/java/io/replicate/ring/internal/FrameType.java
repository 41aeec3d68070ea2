package io.replicate.ring.internal;

/** The types of frames in a ring; the byte in the header. See docs/protocols/ring.md. */
final class FrameType {
    /** A control message; the payload is described in {@link ControlCodec}. */
    static final int CONTROL = 0x01;
    /** Bytes of the volume. */
    static final int DATA = 0x10;
    /** A run that reads as zero and is allocated. */
    static final int ZERO = 0x11;
    /** A run that reads as zero and is not allocated. */
    static final int HOLE = 0x12;
    /** Nothing to send, but alive. */
    static final int HEARTBEAT = 0x13;
    /** Behind the last byte: position is the size, the payload is the digest. */
    static final int END = 0x14;

    /** Flag of a data frame: its payload has no CRC32C, as the user asked for no verification. */
    static final int FLAG_NO_CRC = 0x04;

    private FrameType() {}
}
