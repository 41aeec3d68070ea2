package io.replicate.delta.cow;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Random names of streams and generations. */
public final class StreamIds {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BYTES = 16;

    private StreamIds() {}

    /** Returns 32 hexadecimal digits. */
    public static String random() {
        final byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
