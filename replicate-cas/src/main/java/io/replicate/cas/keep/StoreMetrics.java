package io.replicate.cas.keep;

import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Counts what was asked of one server. Thread-safe. */
public final class StoreMetrics {
    private final LongAdder requests = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder busy = new LongAdder();
    private final LongAdder totalNs = new LongAdder();
    private final LongAccumulator longestNs = new LongAccumulator(Math::max, 0);

    void answered(final int status, final long elapsedNs) {
        requests.increment();
        totalNs.add(elapsedNs);
        longestNs.accumulate(elapsedNs);
        if (status != 200) {
            failures.increment();
        }
        if (status == 503 || status == 429) {
            busy.increment();
        }
    }

    void failed() {
        requests.increment();
        failures.increment();
    }

    /** Returns how many requests were made. */
    public long requests() {
        return requests.sum();
    }

    /** Returns how many did not end with 200. */
    public long failures() {
        return failures.sum();
    }

    /** Returns how many were answered with 503 or 429. */
    public long busy() {
        return busy.sum();
    }

    /** Returns the mean time of an answered request in milliseconds. */
    public double meanMs() {
        final long answered = requests.sum();
        return answered == 0 ? 0 : totalNs.sum() / 1e6 / answered;
    }

    /** Returns the longest time of an answered request in milliseconds. */
    public double longestMs() {
        return longestNs.get() / 1e6;
    }
}
