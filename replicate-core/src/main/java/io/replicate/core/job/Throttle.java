package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;

/**
 * A token bucket: holds back whoever moves bytes faster than a rate that may be changed at any time. The bucket holds a
 * tenth of a second's worth, and goes into debt for what is larger than that, so blocks of any size keep the rate on
 * average. Who comes first goes on first: each waits for what was taken up to its own turn, not for what others took
 * behind it, so that many workers do not go on all at once. Safe for use by any thread.
 */
public final class Throttle {
    /** The rate that holds nobody back. */
    public static final long UNLIMITED = Long.MAX_VALUE;

    private static final double NS_PER_SECOND = 1e9;
    private static final double BURST_SECONDS = 0.1;
    /** How long a new rate or a cancellation may go unnoticed. */
    private static final long LONGEST_SLEEP_NS = 100_000_000L;

    private final NanoClock clock;
    private long rateBytesPerSecond;
    /** All bytes taken so far, and what the rate has paid of them: at most a burst more than was taken. */
    private double takenBytes;

    private double paidBytes;
    private long filledNs;

    /** Creates a throttle with a rate in bytes per second, at least 1. */
    public Throttle(final long rateBytesPerSecond) {
        this(rateBytesPerSecond, NanoClock.SYSTEM);
    }

    Throttle(final long rateBytesPerSecond, final NanoClock clock) {
        this.clock = clock;
        this.rateBytesPerSecond = checked(rateBytesPerSecond);
        this.filledNs = clock.nanoTime();
    }

    private static long checked(final long rate) {
        if (rate < 1) {
            throw new IllegalArgumentException("rate of " + rate + " bytes per second");
        }
        return rate;
    }

    /** Returns the rate in bytes per second. */
    public synchronized long rateBytesPerSecond() {
        return rateBytesPerSecond;
    }

    /** Changes the rate, at least 1 byte per second; who waits now goes on with the new one. */
    public synchronized void rateBytesPerSecond(final long newRate) {
        checked(newRate);
        fill();
        if (newRate == UNLIMITED) {
            paidBytes = takenBytes;
        }
        rateBytesPerSecond = newRate;
    }

    /**
     * Takes {@code bytes} tokens, and returns when the rate allows to move that many.
     *
     * @throws ReplicationException CANCELLED when the cancellation is requested before that.
     */
    public void acquire(final long bytes, final Cancellation cancellation) throws ReplicationException {
        final double turn = take(bytes);
        for (long waitNs = unpaidNs(turn); waitNs > 0; waitNs = unpaidNs(turn)) {
            cancellation.check();
            clock.sleep(Math.min(waitNs, LONGEST_SLEEP_NS));
        }
    }

    private synchronized double take(final long bytes) {
        if (rateBytesPerSecond != UNLIMITED) {
            fill();
            takenBytes += bytes;
        }
        return takenBytes;
    }

    private synchronized long unpaidNs(final double turn) {
        if (rateBytesPerSecond == UNLIMITED) {
            return 0;
        }
        fill();
        return paidBytes >= turn ? 0 : Math.max(1, (long) ((turn - paidBytes) * NS_PER_SECOND / rateBytesPerSecond));
    }

    private void fill() {
        final long nowNs = clock.nanoTime();
        final double earned = (nowNs - filledNs) * (rateBytesPerSecond / NS_PER_SECOND);
        paidBytes = Math.min(paidBytes + earned, takenBytes + rateBytesPerSecond * BURST_SECONDS);
        filledNs = nowNs;
    }
}
