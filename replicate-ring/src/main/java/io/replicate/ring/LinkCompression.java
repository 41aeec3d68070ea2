package io.replicate.ring;

/** How blocks are compressed on the wire where it pays. */
public enum LinkCompression {
    NONE(0),
    /** Fast: for a LAN. */
    LZ4(1),
    /** Tighter: for a WAN. */
    ZSTD(2);

    private final int code;

    LinkCompression(final int code) {
        this.code = code;
    }

    /** Returns the number that stands for it in the flags of a frame. */
    public int code() {
        return code;
    }
}
