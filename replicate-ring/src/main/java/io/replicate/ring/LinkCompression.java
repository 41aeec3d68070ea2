package io.replicate.ring;

/** How blocks are compressed on the wire where it pays. The ordinal is on the wire. */
public enum LinkCompression {
    NONE,
    /** Fast: for a LAN. */
    LZ4,
    /** Tighter: for a WAN. */
    ZSTD
}
