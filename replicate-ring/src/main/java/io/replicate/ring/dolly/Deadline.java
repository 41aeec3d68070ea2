package io.replicate.ring.dolly;

import java.time.Duration;

/** A point in time by which something must have happened. */
final class Deadline {
    private final long atNs;

    private Deadline(final long atNs) {
        this.atNs = atNs;
    }

    static Deadline in(final Duration wait) {
        return new Deadline(System.nanoTime() + wait.toNanos());
    }

    boolean passed() {
        return leftNs() <= 0;
    }

    long leftNs() {
        return atNs - System.nanoTime();
    }

    /** Returns what is left, at least a millisecond. */
    Duration left() {
        return Duration.ofNanos(Math.max(1_000_000L, leftNs()));
    }
}
