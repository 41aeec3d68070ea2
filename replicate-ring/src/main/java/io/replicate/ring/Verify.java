package io.replicate.ring;

/** How a copy is proven before it is committed. */
public enum Verify {
    /** Frames are checked on the way where they have a checksum; nothing is compared at the end. */
    NONE(0),
    /** The digest of what was received is compared with the server's. */
    STREAM(1),
    /** And what was stored is read again and compared too. */
    READBACK(2);

    private final int code;

    Verify(final int code) {
        this.code = code;
    }

    /** Returns the number that stands for it on the wire. */
    public int code() {
        return code;
    }

    /** Returns whether a number stands for one of them. */
    public static boolean isCode(final int code) {
        return code >= NONE.code && code <= READBACK.code;
    }

    /**
     * Returns the one that a number stands for.
     *
     * @throws IllegalArgumentException when none does.
     */
    public static Verify ofCode(final int code) {
        return switch (code) {
            case 0 -> NONE;
            case 1 -> STREAM;
            case 2 -> READBACK;
            default -> throw new IllegalArgumentException("verification " + code);
        };
    }
}
