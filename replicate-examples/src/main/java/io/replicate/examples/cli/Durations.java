package io.replicate.examples.cli;

import java.time.Duration;
import java.util.Locale;

/** Times as people read them. */
final class Durations {
    private Durations() {}

    /** Returns {@code 0.3 s}, {@code 42 s}, {@code 3 min 05 s} or {@code 2 h 07 min}. */
    static String format(final Duration time) {
        final long seconds = time.toSeconds();
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
        }
        if (seconds < 60) {
            return seconds + " s";
        }
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
    }
}
