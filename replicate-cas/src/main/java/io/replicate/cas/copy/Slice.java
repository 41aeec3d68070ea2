package io.replicate.cas.copy;

import java.util.concurrent.atomic.AtomicLong;

/** The part of a copy whose hashes begin with one prefix. Thread-safe. */
final class Slice {
    private final String prefix;
    /** One more than the tasks under way until all are listed. */
    private final AtomicLong open = new AtomicLong(1);

    private volatile boolean failed;

    Slice(final String prefix) {
        this.prefix = prefix;
    }

    String prefix() {
        return prefix;
    }

    void begin() {
        open.incrementAndGet();
    }

    /** Notes that a task, or the listing, has ended; returns whether that was the last and none had failed. */
    boolean end(final boolean good) {
        if (!good) {
            failed = true;
        }
        return open.decrementAndGet() == 0 && !failed;
    }
}
