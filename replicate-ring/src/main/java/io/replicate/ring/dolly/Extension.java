package io.replicate.ring.dolly;

import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How two neighbours of ours find each other, without an old node noticing. A child adds to its first line
 * {@code [replicate 1 NONCE]}; a parent of ours answers on the control connection with eight bytes that no end mark can
 * be (it would be negative), and from then on both speak in lines, and the data may come in frames:
 *
 * <pre>
 *  parent  hello PROOF [frames]  PROOF: HMAC of the password over NONCE, or -
 *  child   +frames               yes, in frames: none comes before this
 *  child   +heir NAME TOKEN      by this token NAME can be taken over when its parent dies; for everybody behind, too
 *  parent  ping                  I live, and so does my own parent
 *  parent  end BYTES             instead of the end mark
 *  parent  sum DIGEST            of the whole stream
 *  parent  abort REASON          there is no whole stream
 *  child   +busy                 I live
 *  child   +result NAME STATE BYTES DIGEST REASON    for itself and everybody behind it
 *  child   +done                 instead of the eight bytes that acknowledge
 *  parent  thanks                for that: the child may go
 * </pre>
 *
 * Who takes a node over connects to its control port and begins with the same eight bytes:
 *
 * <pre>
 *  parent  resume TOKEN PROOF    PROOF: HMAC of the password over TOKEN, or -
 *  child   +wait                 my parent is not lost: try again
 *  child   +at OFFSET            send me everything from there; the data connection follows, in frames
 * </pre>
 */
final class Extension {
    /** Says, in place of an end mark, that lines follow. Little-endian it is negative. */
    static final byte[] MAGIC = {'r', 'p', 'l', 'd', 'l', 'y', '1', (byte) 0xFF};

    static final int NONCE_BYTES = 16;
    static final int FRAME_DATA = 1;
    static final int FRAME_ZEROS = 2;

    private static final Pattern ANNOUNCED = Pattern.compile("(.*) \\[replicate 1 ([0-9a-f]{32})\\]");
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(10);
    private static final Duration LONGEST_PING = Duration.ofSeconds(2);

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

    /** Returns after how much silence a neighbour of ours is dead. */
    static Duration silence(final DollyOptions options) {
        final Duration idle = options.idleWait();
        return idle.compareTo(LONGEST_SILENCE) < 0 ? idle : LONGEST_SILENCE;
    }

    /** Returns how often a neighbour of ours says that it lives. */
    static Duration ping(final DollyOptions options) {
        final Duration quarter = silence(options).dividedBy(4);
        return quarter.compareTo(LONGEST_PING) < 0 ? quarter : LONGEST_PING;
    }

    /** Returns how long one waits for a new parent, and a new parent for it: both must have missed the dead one. */
    static Duration patience(final DollyOptions options) {
        return silence(options).multipliedBy(3);
    }
}
