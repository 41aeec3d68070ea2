package io.replicate.cas.keep;

import io.replicate.core.spi.ReplicationException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go programs read and print them: {@code 336h}, {@code 1h30m}, {@code 1.5s}, {@code 2m3s}. */
public final class GoDuration {
    private static final Pattern WHOLE = Pattern.compile("[+-]?((\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+");
    private static final Pattern PART = Pattern.compile("(\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h)");
    private static final int MAX_LENGTH = 64;
    private static final Map<String, Long> NANOSECONDS = Map.of(
            "ns",
            1L,
            "us",
            1_000L,
            "µs",
            1_000L,
            "μs",
            1_000L,
            "ms",
            1_000_000L,
            "s",
            1_000_000_000L,
            "m",
            60_000_000_000L,
            "h",
            3_600_000_000_000L);

    private GoDuration() {}

    /**
     * Parses a duration.
     *
     * @throws ReplicationException MISUSE when the text is not one, is negative or does not fit 292 years.
     */
    public static Duration parse(final String text) throws ReplicationException {
        if ("0".equals(text)) {
            return Duration.ZERO;
        }
        if (text.length() > MAX_LENGTH || !WHOLE.matcher(text).matches() || text.startsWith("-")) {
            throw ReplicationException.misuse("duration '" + text + "': expected for example 336h, 1h30m or 20s");
        }
        BigDecimal sum = BigDecimal.ZERO;
        final Matcher part = PART.matcher(text);
        while (part.find()) {
            final long unit = NANOSECONDS.getOrDefault(part.group(2), 0L);
            sum = sum.add(new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(unit)));
        }
        if (sum.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
            throw ReplicationException.misuse("duration '" + text + "' is too long");
        }
        return Duration.ofNanos(sum.setScale(0, RoundingMode.DOWN).longValueExact());
    }

    /** Returns the duration in whole seconds, as {@code 1h2m3s}, {@code 2m3s} or {@code 45s}. */
    public static String format(final Duration duration) {
        final long seconds = Math.max(0, duration.plusMillis(500).toSeconds());
        final String tail = seconds % 60 + "s";
        if (seconds < 60) {
            return tail;
        }
        final String minutes = seconds / 60 % 60 + "m" + tail;
        return seconds < 3600 ? minutes : seconds / 3600 + "h" + minutes;
    }
}
