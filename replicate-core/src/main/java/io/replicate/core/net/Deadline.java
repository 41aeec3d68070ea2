package io.replicate.core.net;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The moment at which a sequence of waits is over. */
final class Deadline {
    private final long atNs;

    private Deadline(final long atNs) {
        this.atNs = atNs;
    }

    static Deadline in(final Duration timeout) {
        return new Deadline(System.nanoTime() + clampNs(timeout));
    }

    private static long clampNs(final Duration timeout) {
        // more than a century would overflow nanoseconds, and means for ever
        return timeout.compareTo(Duration.ofDays(36_500)) > 0 ? TimeUnit.DAYS.toNanos(36_500) : timeout.toNanos();
    }

    /** Returns what is left, never less than zero. */
    Duration left() {
        return Duration.ofNanos(Math.max(0, atNs - System.nanoTime()));
    }

    /** Returns what is left in milliseconds, rounded up, for poll(2). */
    int leftMs() {
        return toMs(left());
    }

    boolean passed() {
        return System.nanoTime() - atNs >= 0;
    }

    /** Returns a wait in milliseconds, rounded up so that a short one is not none, as far as an int goes. */
    static int toMs(final Duration wait) {
        final long ms = TimeUnit.NANOSECONDS.toMillis(clampNs(wait) + 999_999);
        return (int) Math.min(Integer.MAX_VALUE, Math.max(0, ms));
    }
}
