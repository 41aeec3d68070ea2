package io.replicate.core.spi;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: {@code 4096}, {@code 64K}, {@code 1.5G}. K, M, G, T, P are multiples of 1024. */
public final class Sizes {
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,19})(?:\\.([0-9]{1,3}))?([KMGTP]?)(?:I?B)?");
    private static final String UNITS = "KMGTP";

    private Sizes() {}

    /**
     * Returns the number of bytes that {@code text} names. Capitals do not matter; {@code KiB} and {@code KB} mean
     * {@code K}.
     *
     * @param what the name of the parameter, for the message.
     * @throws ReplicationException MISUSE when it is no size, negative or beyond 2^63 - 1.
     */
    public static long parse(final String what, final String text) throws ReplicationException {
        final Matcher m = SIZE.matcher(text.strip().toUpperCase(Locale.ROOT));
        if (!m.matches()) {
            throw bad(what, text);
        }
        final int shift =
                10 * (UNITS.indexOf(m.group(3).isEmpty() ? ' ' : m.group(3).charAt(0)) + 1);
        try {
            final long whole = Math.multiplyExact(Long.parseLong(m.group(1)), 1L << shift);
            final String decimals = m.group(2);
            if (decimals == null) {
                return whole;
            }
            if (shift == 0) {
                throw bad(what, text);
            }
            long divisor = 1;
            for (int i = 0; i < decimals.length(); i++) {
                divisor *= 10;
            }
            return Math.addExact(whole, Math.multiplyExact(Long.parseLong(decimals), 1L << shift) / divisor);
        } catch (final ArithmeticException | NumberFormatException e) {
            throw bad(what, text);
        }
    }

    /** Returns a short form for people, with one decimal below ten: {@code 512 B}, {@code 1.5 GiB}, {@code 640 MiB}. */
    public static String format(final long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        int unit = 0;
        double value = bytes / 1024.0;
        while (value >= 1023.5 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        final String pattern = value < 9.95 ? "%.1f %siB" : "%.0f %siB";
        return String.format(Locale.ROOT, pattern, value, UNITS.charAt(unit));
    }

    private static ReplicationException bad(final String what, final String text) {
        return ReplicationException.misuse(
                what + " is '" + text + "', expected a size such as 4096, 64K, 200M, 1.5G or 2T");
    }
}
