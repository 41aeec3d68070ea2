package io.replicate.core.block;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Carries parcels from one stage to the next. Bounded: its fullness is the only back-pressure there is. A stage that
 * fails passes its failure on, in both directions. Safe for use by any thread.
 *
 * @param <U> places or contents.
 */
public final class BlockPipe<U extends Unit> {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition notFull = lock.newCondition();
    private final Condition notEmpty = lock.newCondition();
    private final ArrayDeque<Parcel<U>> queue;
    private final int capacity;
    private final long waitNs;
    private boolean finished;
    private @Nullable IOException failure;

    /**
     * Creates a pipe.
     *
     * @param capacity how many parcels it holds.
     * @param wait how long a put or a take may stand still before it fails.
     */
    public BlockPipe(final int capacity, final Duration wait) {
        if (capacity < 1) {
            throw new IllegalArgumentException("pipe of " + capacity);
        }
        this.capacity = capacity;
        this.queue = new ArrayDeque<>(capacity);
        this.waitNs = wait.toNanos();
    }

    /**
     * Adds a parcel, and waits while the pipe is full. Takes over the caller's reference to its block; on failure the
     * block has been released.
     *
     * @throws IOException the failure of the other side, RETRY when the pipe stood still, CANCELLED on interruption.
     */
    public void put(final Parcel<U> parcel) throws IOException {
        boolean taken = false;
        lock.lock();
        try {
            long leftNs = waitNs;
            while (failure == null && queue.size() == capacity) {
                leftNs = await(notFull, leftNs, "full");
            }
            rethrow();
            if (finished) {
                throw new IllegalStateException("put after finish");
            }
            queue.addLast(parcel);
            taken = true;
            notEmpty.signal();
        } finally {
            lock.unlock();
            if (!taken) {
                parcel.release();
            }
        }
    }

    /**
     * Returns the next parcel, whose block the caller then owns, or null behind the last.
     *
     * @throws IOException as {@link #put(Parcel)}.
     */
    public @Nullable Parcel<U> take() throws IOException {
        lock.lock();
        try {
            long leftNs = waitNs;
            while (failure == null && queue.isEmpty() && !finished) {
                leftNs = await(notEmpty, leftNs, "empty");
            }
            rethrow();
            final @Nullable Parcel<U> parcel = queue.pollFirst();
            notFull.signal();
            return parcel;
        } finally {
            lock.unlock();
        }
    }

    /** Says that nothing more will be put. */
    public void finish() {
        lock.lock();
        try {
            finished = true;
            notEmpty.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the pipe: what is in it is released, and both sides get the failure. The first failure stands. */
    public void fail(final IOException cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
            }
            queue.forEach(Parcel::release);
            queue.clear();
            notEmpty.signalAll();
            notFull.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void rethrow() throws IOException {
        if (failure != null) {
            throw new ReplicationException(
                    ReplicationException.categoryOf(failure), String.valueOf(failure.getMessage()), failure);
        }
    }

    @SuppressWarnings("WaitNotInLoop") // both callers loop
    private long await(final Condition condition, final long leftNs, final String state) throws IOException {
        if (leftNs <= 0) {
            throw ReplicationException.retry(
                    "the pipe stayed " + state + " for " + waitNs / 1_000_000_000L + " s", null);
        }
        try {
            return condition.awaitNanos(leftNs);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while the pipe was " + state, e);
        }
    }
}
