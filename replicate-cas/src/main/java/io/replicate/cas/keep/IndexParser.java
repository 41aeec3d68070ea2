package io.replicate.cas.keep;

import io.netty.buffer.ByteBuf;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.nio.charset.StandardCharsets;

/**
 * Reads the text of an index as it arrives: one line {@code hash+size SP mtime LF} per copy, and an empty line behind the
 * last one. Nothing passes as complete without that empty line. Used by one thread; keeps no more than one line.
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
    private static final int MAX_DIGITS = 18;
    private static final int MTIME_DIGITS = 19;
    /** Stores wrote seconds before June 2016 and nanoseconds since. */
    private static final long LARGEST_SECONDS = 1_000_000_000_000L;

    private final String place;
    private final String prefix;
    private final Lines lines;
    private final byte[] hash;
    private final byte[] partial = new byte[MAX_LINE];
    private int partialLength;
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
        this.prefix = prefix;
        this.lines = lines;
        this.hash = new byte[KeepLocator.HASH_LENGTH / 2];
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
            final int lineFeed = text.bytesBefore((byte) '\n');
            final int length = lineFeed < 0 ? text.readableBytes() : lineFeed;
            if (partialLength + length > MAX_LINE) {
                throw corrupt("a line of more than " + MAX_LINE + " bytes");
            }
            text.readBytes(partial, partialLength, length);
            partialLength += length;
            if (lineFeed >= 0) {
                text.skipBytes(1);
                line();
                partialLength = 0;
            }
        }
    }

    /**
     * Says that the text has ended.
     *
     * @throws ReplicationException RETRY when the mark of completeness is missing.
     */
    public void finish() throws ReplicationException {
        if (!complete || partialLength > 0) {
            throw ReplicationException.retry(
                    "index of " + place + " is incomplete: it ends after " + count + " lines without the empty line",
                    null);
        }
    }

    private void line() throws ReplicationException {
        if (complete) {
            throw corrupt("text behind the empty line");
        }
        if (partialLength == 0) {
            complete = true;
            return;
        }
        final int plus = KeepLocator.HASH_LENGTH;
        if (partialLength <= plus || partial[plus] != '+') {
            throw corrupt("a line that does not begin with a hash and a size");
        }
        for (int i = 0; i < hash.length; i++) {
            final int high = hexDigit(partial[2 * i]);
            final int low = hexDigit(partial[2 * i + 1]);
            if (high < 0 || low < 0) {
                throw corrupt("a line that does not begin with a hash");
            }
            hash[i] = (byte) (high << 4 | low);
        }
        for (int i = 0; i < prefix.length(); i++) {
            if (partial[i] != prefix.charAt(i)) {
                throw corrupt("a hash that does not begin with the prefix '" + prefix + "'");
            }
        }
        int space = plus + 1;
        while (space < partialLength && partial[space] != ' ') {
            space++;
        }
        final long size = number(plus + 1, space, MAX_DIGITS);
        final boolean negative = space + 1 < partialLength && partial[space + 1] == '-';
        final long mtime = number(space + (negative ? 2 : 1), partialLength, MTIME_DIGITS);
        count++;
        lines.line(hash, size, negative ? 0 : inNanoseconds(mtime));
    }

    /** Returns a modification time in nanoseconds, whichever of the two units it is in. */
    static long inNanoseconds(final long mtime) {
        if (mtime >= LARGEST_SECONDS) {
            return mtime;
        }
        return mtime > Long.MAX_VALUE / 1_000_000_000L ? Long.MAX_VALUE : mtime * 1_000_000_000L;
    }

    private long number(final int from, final int to, final int maxDigits) throws ReplicationException {
        long value = 0;
        if (from >= to || to - from > maxDigits) {
            throw corrupt("a size or a time that is not a number");
        }
        for (int i = from; i < to; i++) {
            final int digit = partial[i] - '0';
            if (digit < 0 || digit > 9) {
                throw corrupt("a size or a time that is not a number");
            }
            value = value * 10 + digit;
        }
        if (value < 0) {
            throw corrupt("a size or a time that is too large");
        }
        return value;
    }

    private static int hexDigit(final byte c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : Math.toIntExact(Unit.UNKNOWN);
    }

    private ReplicationException corrupt(final String what) {
        final String shown =
                new String(partial, 0, partialLength, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?");
        return ReplicationException.corrupt("index of " + place + ", line " + (count + 1) + ": " + what
                + (shown.isEmpty() ? "" : ": '" + shown + "'"));
    }
}
