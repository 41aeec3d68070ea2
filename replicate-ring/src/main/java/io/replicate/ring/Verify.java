package io.replicate.ring;

/** How a copy is proven before it is committed. The ordinal is on the wire. */
public enum Verify {
    /** Frames are checked on the way; nothing is compared at the end. */
    NONE,
    /** The digest of what was received is compared with the server's. */
    STREAM,
    /** And what was stored is read again and compared too. */
    READBACK
}
