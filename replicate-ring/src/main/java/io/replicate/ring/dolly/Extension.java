package io.replicate.ring.dolly;

import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How two neighbours of ours find each other, without an old node noticing. A child adds to its first line
 * {@code [replicate 1 NONCE]}; a parent of ours answers on the control connection with eight bytes that no end mark can
 * be (it would be negative), and from then on both speak in lines:
 *
 * <pre>
 *  parent  hello PROOF           PROOF: HMAC of the password over NONCE, or -
 *  parent  ping                  I live
 *  parent  end BYTES             instead of the end mark
 *  parent  sum DIGEST            of the whole stream
 *  parent  abort REASON          there is no whole stream
 *  child   +result NAME STATE BYTES DIGEST REASON    for itself and everybody behind it
 *  child   +done                 instead of the eight bytes that acknowledge
 * </pre>
 */
final class Extension {
    /** Says, in place of an end mark, that lines follow. Little-endian it is negative. */
    static final byte[] MAGIC = {'r', 'p', 'l', 'd', 'l', 'y', '1', (byte) 0xFF};

    static final int NONCE_BYTES = 16;

    private static final Pattern ANNOUNCED = Pattern.compile("(.*) \\[replicate 1 ([0-9a-f]{32})\\]");

    private Extension() {}

    static String announce(final String line, final byte[] nonce) {
        return line + " [replicate 1 " + HexFormat.of().formatHex(nonce) + "]";
    }

    /** Returns the nonce that the line announces, where it is the first one of {@code name} itself. */
    static Optional<byte[]> announced(final String line, final String firstLine) {
        final Matcher m = ANNOUNCED.matcher(line);
        return m.matches() && m.group(1).equals(firstLine)
                ? Optional.of(HexFormat.of().parseHex(m.group(2)))
                : Optional.empty();
    }

    /** Returns the line without an announcement. */
    static String plain(final String line) {
        final Matcher m = ANNOUNCED.matcher(line);
        return m.matches() ? m.group(1) : line;
    }
}
