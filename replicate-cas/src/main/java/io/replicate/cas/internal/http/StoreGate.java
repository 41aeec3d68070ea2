package io.replicate.cas.internal.http;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets a bounded number of exchanges through to one server, fewer while the server says that it is busy: each such answer
 * halves the number and holds everybody back for a while, each success raises it by a fraction. Safe for use by any
 * thread.
 */
public final class StoreGate {
    private static final long LOOK_NS = 100_000_000L;
    private static final long LONGEST_PAUSE_NS = 60_000_000_000L;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final int most;
    private double allowed;
    private int inside;
    private int highest;
    private long closedUntilNs;
    private boolean paused;

    StoreGate(final int most) {
        this.most = most;
        this.allowed = most;
    }

    void enter(final Cancellation cancellation) throws ReplicationException {
        lock.lock();
        try {
            while (true) {
                cancellation.check();
                final long pauseNs = paused ? closedUntilNs - System.nanoTime() : 0;
                if (pauseNs <= 0 && inside < Math.max(1, (int) allowed)) {
                    paused = false;
                    inside++;
                    highest = Math.max(highest, inside);
                    return;
                }
                changed.awaitNanos(pauseNs > 0 ? Math.min(pauseNs, LOOK_NS) : LOOK_NS);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for a server", e);
        } finally {
            lock.unlock();
        }
    }

    void leave() {
        lock.lock();
        try {
            inside--;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Notes that the server did what was asked. */
    public void succeeded() {
        lock.lock();
        try {
            if (allowed < most) {
                allowed = Math.min(most, allowed + 1 / allowed);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Notes that the server is busy, and keeps everybody away from it for {@code pauseNs} nanoseconds, a minute at most. */
    public void busy(final long pauseNs) {
        lock.lock();
        try {
            allowed = Math.max(1, allowed / 2);
            final long until = System.nanoTime() + Math.min(pauseNs, LONGEST_PAUSE_NS);
            if (!paused || until - closedUntilNs > 0) {
                closedUntilNs = until;
                paused = true;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many exchanges were under way at once at most. */
    public int highest() {
        lock.lock();
        try {
            return highest;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until {@code durationNs} nanoseconds have passed or the cancellation is requested. */
    public static void pause(final long durationNs, final Cancellation cancellation) throws ReplicationException {
        final long untilNs = System.nanoTime() + durationNs;
        try {
            for (long left = durationNs; left > 0; left = untilNs - System.nanoTime()) {
                cancellation.check();
                TimeUnit.NANOSECONDS.sleep(Math.min(left, LOOK_NS));
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted while waiting", e);
        }
    }
}
