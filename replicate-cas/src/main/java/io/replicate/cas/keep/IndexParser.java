package io.replicate.cas.keep;

import io.netty.buffer.ByteBuf;
import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads the text of an index as it arrives: one line {@code hash+size SP mtime LF} per copy, and an empty line behind the
 * last one. Nothing passes as complete without that empty line. Used by one thread; keeps no more than 8 KiB.
 */
public final class IndexParser {

    /** Takes the lines of an index. */
    @FunctionalInterface
    public interface Lines {
        /**
         * Takes one copy.
         *
         * @param hash the bytes of the hash; used again for the next line.
         * @param sizeBytes of the stored file, which is not the block's when the copy is damaged.
         * @param mtimeNs when the copy was last written or touched, in nanoseconds since 1970.
         */
        void line(byte[] hash, long sizeBytes, long mtimeNs) throws ReplicationException;
    }

    private static final int MAX_LINE = 128;
    private static final int CHUNK = 1 << 13;
    private static final int MAX_DIGITS = 18;
    private static final int MTIME_DIGITS = 19;
    /** Stores wrote seconds before June 2016 and nanoseconds since. */
    private static final long LARGEST_SECONDS = 1_000_000_000_000L;
    /** The value of each lower-case hexadecimal digit, and -1 of every other byte. */
    private static final byte[] NIBBLES = nibbles();

    private final String place;
    private final byte[] prefix;
    private final Lines lines;
    private final byte[] hash = new byte[KeepLocator.HASH_LENGTH / 2];
    /** What is being read, from the beginning of a line: plain memory, which the compiler walks fastest. */
    private final byte[] chunk = new byte[CHUNK];

    private int held;
    private boolean complete;
    private long count;

    /**
     * Creates a parser of MD5 indexes.
     *
     * @param place of the index, for messages.
     * @param prefix that was asked for: every hash must begin with it.
     */
    public IndexParser(final String place, final String prefix, final Lines lines) {
        this.place = place;
        this.prefix = prefix.getBytes(StandardCharsets.ISO_8859_1);
        this.lines = lines;
    }

    private static byte[] nibbles() {
        final byte[] values = new byte[1 << Byte.SIZE];
        Arrays.fill(values, (byte) -1);
        for (int i = 0; i < 16; i++) {
            values[Character.forDigit(i, 16)] = (byte) i;
        }
        return values;
    }

    /** Returns how many lines were read. */
    public long count() {
        return count;
    }

    /**
     * Reads on.
     *
     * @throws ReplicationException CORRUPT when the text is not an index.
     */
    public void feed(final ByteBuf text) throws ReplicationException {
        while (text.isReadable()) {
            final int length = Math.min(text.readableBytes(), CHUNK - held);
            text.readBytes(chunk, held, length);
            linesUpTo(held + length);
        }
    }

    /** Takes the whole lines of the chunk, and moves what is left to its beginning. */
    private void linesUpTo(final int end) throws ReplicationException {
        int from = 0;
        for (int at = held; at < end; at++) {
            if (chunk[at] == '\n') {
                line(from, at);
                from = at + 1;
            }
        }
        held = end - from;
        if (held > MAX_LINE) {
            throw corrupt(from, from + MAX_LINE, "a line of more than " + MAX_LINE + " bytes");
        }
        System.arraycopy(chunk, from, chunk, 0, held);
    }

    /**
     * Says that the text has ended.
     *
     * @throws ReplicationException RETRY when the mark of completeness is missing.
     */
    public void finish() throws ReplicationException {
        if (!complete || held > 0) {
            throw ReplicationException.retry(
                    "index of " + place + " is incomplete: it ends after " + count + " lines without the empty line",
                    null);
        }
    }

    private void line(final int from, final int to) throws ReplicationException {
        if (complete) {
            throw corrupt(from, to, "text behind the empty line");
        }
        if (from == to) {
            complete = true;
            return;
        }
        final int plus = from + KeepLocator.HASH_LENGTH;
        if (to <= plus || chunk[plus] != '+') {
            throw corrupt(from, to, "a line that does not begin with a hash and a size");
        }
        hash(from, to);
        if (!Arrays.equals(chunk, from, from + prefix.length, prefix, 0, prefix.length)) {
            throw corrupt(
                    from,
                    to,
                    "a hash that does not begin with the prefix '" + new String(prefix, StandardCharsets.ISO_8859_1)
                            + "'");
        }
        int space = plus + 1;
        while (space < to && chunk[space] != ' ') {
            space++;
        }
        final long size = number(plus + 1, space, MAX_DIGITS, from, to);
        final boolean negative = space + 1 < to && chunk[space + 1] == '-';
        final long mtime = number(space + (negative ? 2 : 1), to, MTIME_DIGITS, from, to);
        count++;
        lines.line(hash, size, negative ? 0 : inNanoseconds(mtime));
    }

    private void hash(final int from, final int to) throws ReplicationException {
        int wrong = 0;
        for (int i = 0; i < hash.length; i++) {
            final int high = NIBBLES[chunk[from + 2 * i] & 0xff];
            final int low = NIBBLES[chunk[from + 2 * i + 1] & 0xff];
            wrong |= high | low;
            hash[i] = (byte) (high << 4 | low);
        }
        if (wrong < 0) {
            throw corrupt(from, to, "a line that does not begin with a hash");
        }
    }

    /** Returns a modification time in nanoseconds, whichever of the two units it is in. */
    static long inNanoseconds(final long mtime) {
        if (mtime >= LARGEST_SECONDS) {
            return mtime;
        }
        return mtime > Long.MAX_VALUE / 1_000_000_000L ? Long.MAX_VALUE : mtime * 1_000_000_000L;
    }

    private long number(final int from, final int to, final int maxDigits, final int lineFrom, final int lineTo)
            throws ReplicationException {
        long value = 0;
        boolean good = from < to && to - from <= maxDigits;
        for (int i = from; good && i < to; i++) {
            final int digit = chunk[i] - '0';
            good = digit >= 0 && digit <= 9;
            value = value * 10 + digit;
        }
        if (!good || value < 0) {
            throw corrupt(lineFrom, lineTo, "a size or a time that is not a number");
        }
        return value;
    }

    private ReplicationException corrupt(final int from, final int to, final String what) {
        final String shown = new String(chunk, from, Math.min(MAX_LINE, to - from), StandardCharsets.ISO_8859_1)
                .replaceAll("[^ -~]", "?");
        return ReplicationException.corrupt("index of " + place + ", line " + (count + 1) + ": " + what
                + (shown.isEmpty() ? "" : ": '" + shown + "'"));
    }
}
