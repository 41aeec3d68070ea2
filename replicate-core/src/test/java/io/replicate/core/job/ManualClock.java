package io.replicate.core.job;

import java.util.concurrent.atomic.AtomicLong;

/** Time that only passes when somebody sleeps. */
public final class ManualClock implements NanoClock {
    private final AtomicLong nowNs = new AtomicLong();

    @Override
    public long nanoTime() {
        return nowNs.get();
    }

    @Override
    public void sleep(final long durationNs) {
        nowNs.addAndGet(durationNs);
    }

    /** Returns how much time has passed. */
    public double seconds() {
        return nowNs.get() / 1e9;
    }

    /** Returns a throttle that lives in this time. */
    public Throttle throttle(final long bytesPerSecond) {
        return new Throttle(bytesPerSecond, this);
    }
}
