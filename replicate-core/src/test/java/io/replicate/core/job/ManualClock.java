package io.replicate.core.job;

import java.util.concurrent.atomic.AtomicLong;

/** Time that only passes when somebody sleeps. */
final class ManualClock implements NanoClock {
    private final AtomicLong nowNs = new AtomicLong();

    @Override
    public long nanoTime() {
        return nowNs.get();
    }

    @Override
    public void sleep(final long durationNs) {
        nowNs.addAndGet(durationNs);
    }

    double seconds() {
        return nowNs.get() / 1e9;
    }
}
