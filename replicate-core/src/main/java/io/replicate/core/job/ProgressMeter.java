package io.replicate.core.job;

import io.replicate.core.spi.Unit;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts what a job moves and tells the listener. Counting is for any thread; the rest locks. */
final class ProgressMeter {
    private static final Logger LOG = LoggerFactory.getLogger(ProgressMeter.class);
    private static final int WINDOW = 50;
    private static final double NS_PER_SECOND = 1e9;

    private final NanoClock clock;
    private final ProgressListener listener;
    private final long startNs;
    private final LongAdder bytes = new LongAdder();
    private final LongAdder carried = new LongAdder();
    private final LongAdder readBack = new LongAdder();
    private final long[] sampleNs = new long[WINDOW];
    private final long[] sampleMoved = new long[WINDOW];
    private long samples;
    private Phase phase = Phase.PREPARING;
    private long totalBytes = Unit.UNKNOWN;
    private long durableBytes;
    private long toCarryBytes = Unit.UNKNOWN;
    private final Object listenerLock = new Object();
    private boolean listenerFailed;

    ProgressMeter(final NanoClock clock, final ProgressListener listener) {
        this.clock = clock;
        this.listener = listener;
        this.startNs = clock.nanoTime();
        sample();
    }

    /** Notes bytes that are dealt with, {@code carriedBytes} of them by moving data. */
    void add(final long dealtWith, final long carriedBytes) {
        bytes.add(dealtWith);
        carried.add(carriedBytes);
    }

    /** Notes bytes that were read back. */
    void verified(final long length) {
        bytes.add(length);
        readBack.add(length);
    }

    /** Sets what there is to do in all, and how much of it is data that must move (or UNKNOWN). */
    synchronized void expect(final long total, final long toCarry) {
        totalBytes = total;
        toCarryBytes = toCarry;
    }

    /** Sets how much the checkpoint remembers. */
    synchronized void durable(final long total) {
        durableBytes = total;
    }

    /** Enters a phase and tells. Verifying counts from zero again. */
    void phase(final Phase next) {
        synchronized (this) {
            if (phase.isFinal()) {
                return;
            }
            phase = next;
            if (next == Phase.VERIFYING) {
                bytes.reset();
                samples = 0;
                sample();
            }
        }
        publish();
    }

    /** Takes a sample of the rate and tells the listener; called about ten times a second. */
    void tick() {
        sample();
        publish();
    }

    private synchronized void sample() {
        final int slot = (int) (samples++ % WINDOW);
        sampleNs[slot] = clock.nanoTime();
        sampleMoved[slot] = carried.sum() + readBack.sum();
    }

    private void publish() {
        // Not the meter's own lock: a slow listener must not hold up who asks for a snapshot.
        synchronized (listenerLock) {
            try {
                listener.progress(snapshot());
            } catch (final RuntimeException e) {
                if (!listenerFailed) {
                    listenerFailed = true;
                    LOG.warn("a progress listener failed, and is not reported again: {}", e.toString(), e);
                }
            }
        }
    }

    synchronized ProgressSnapshot snapshot() {
        final long nowNs = clock.nanoTime();
        final long moved = carried.sum() + readBack.sum();
        final int oldest = (int) (samples < WINDOW ? 0 : samples % WINDOW);
        final long windowNs = nowNs - sampleNs[oldest];
        final double rate = windowNs <= 0 ? 0 : (moved - sampleMoved[oldest]) * NS_PER_SECOND / windowNs;
        return new ProgressSnapshot(
                phase,
                bytes.sum(),
                totalBytes,
                carried.sum(),
                durableBytes,
                Math.round(rate),
                eta(rate),
                Duration.ofNanos(nowNs - startNs));
    }

    private @Nullable Duration eta(final double rate) {
        if ((phase != Phase.COPYING && phase != Phase.VERIFYING) || totalBytes == Unit.UNKNOWN || rate < 1) {
            return null;
        }
        final long left = toCarryBytes == Unit.UNKNOWN ? totalBytes - bytes.sum() : toCarryBytes - carried.sum();
        return Duration.ofSeconds((long) Math.ceil(Math.max(0, left) / rate));
    }
}
