package io.replicate.ring.internal;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The frames that a node has and forwards, as a window of the latest in memory over everything that is stored. One
 * producer appends; each consumer (the node's own store, the sender to each child) reads with a {@link Cursor} of its
 * own. The producer waits while the window is full of frames that somebody still needs: that is the ring's
 * back-pressure. A child that stands still for longer than the patience no longer holds the window: it falls behind it,
 * and is served from the store until it has caught up. So a slow node, or a new one, never stops the others.
 */
final class Feed {
    /** Frames without bytes in memory cost next to nothing: the window holds so many times more of them. */
    private static final int LIGHT_FRAMES = 64;

    /** So many of them come before a consumer that is in no hurry is woken: being woken costs more than it does then. */
    private static final int LIGHT_FRAMES_AT_ONCE = 16;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition appended = lock.newCondition();
    private final Condition manyAppended = lock.newCondition();
    private final Condition drained = lock.newCondition();
    private final FrameWindow window = new FrameWindow();
    private final List<Cursor> cursors = new ArrayList<>();
    private final int maxFrames;
    private final boolean replayable;
    private final long patienceNs;
    private final long giveUpNs;
    private int inMemory;
    private int lightInARow;
    private long endPosition;
    private boolean ended;
    private @Nullable IOException failure;

    /**
     * Creates a feed.
     *
     * @param start the position of the first frame.
     * @param maxFrames how many frames the window holds.
     * @param replayable whether what has left the window can be read from the store; else nobody may fall behind it.
     * @param patience how long one child may hold up the others.
     * @param giveUp how long the producer waits at all.
     */
    Feed(
            final long start,
            final int maxFrames,
            final boolean replayable,
            final Duration patience,
            final Duration giveUp) {
        this.endPosition = start;
        this.maxFrames = maxFrames;
        this.replayable = replayable;
        this.patienceNs = patience.toNanos();
        this.giveUpNs = giveUp.toNanos();
    }

    /** Appends the next frame and takes over its block; waits while the window is full. */
    void append(final Frame frame) throws IOException {
        boolean kept = false;
        lock.lock();
        try {
            makeRoom();
            if (frame.position() != endPosition) {
                throw ReplicationException.corrupt("frame at " + frame.position() + ", expected one at " + endPosition);
            }
            window.add(frame);
            inMemory += frame.payload() == null ? 0 : 1;
            kept = true;
            endPosition = frame.endPosition();
            ended |= frame.isEnd();
            appended.signalAll();
            lightInARow = frame.payload() == null && !ended ? lightInARow + 1 : LIGHT_FRAMES_AT_ONCE;
            if (lightInARow >= LIGHT_FRAMES_AT_ONCE) {
                lightInARow = 0;
                manyAppended.signalAll();
            }
        } finally {
            lock.unlock();
            if (!kept) {
                frame.release();
            }
        }
    }

    private void makeRoom() throws IOException {
        long patienceLeft = patienceNs;
        long left = giveUpNs;
        while (true) {
            rethrow();
            if (inMemory < maxFrames && window.size() < maxFrames * LIGHT_FRAMES) {
                return;
            }
            if (firstNeeded() > window.first()) {
                dropFirst();
                continue;
            }
            if (patienceLeft <= 0 && replayable && letStragglersGo()) {
                continue;
            }
            if (left <= 0) {
                throw ReplicationException.retry(
                        "nothing was stored or forwarded for " + giveUpNs / 1_000_000_000L + " s", null);
            }
            final long waitNs = Math.min(left, patienceLeft > 0 ? patienceLeft : left);
            final long rest = await(drained, waitNs);
            left -= waitNs - rest;
            patienceLeft -= waitNs - rest;
        }
    }

    private long firstNeeded() {
        long needed = Long.MAX_VALUE;
        for (final Cursor cursor : cursors) {
            if (!cursor.behind) {
                needed = Math.min(needed, cursor.inHand ? cursor.sequence - 1 : cursor.sequence);
            }
        }
        return needed;
    }

    private boolean letStragglersGo() {
        boolean any = false;
        for (final Cursor cursor : cursors) {
            if (!cursor.behind && cursor.mayFallBehind && cursor.sequence == window.first()) {
                cursor.behind = true;
                any = true;
            }
        }
        return any;
    }

    private void dropFirst() {
        final Frame oldest = window.removeFirst();
        inMemory -= oldest.payload() == null ? 0 : 1;
        oldest.release();
    }

    @SuppressWarnings("WaitNotInLoop") // all callers loop
    private long await(final Condition condition, final long ns) throws IOException {
        try {
            return condition.awaitNanos(ns);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted in the feed", e);
        }
    }

    private void rethrow() throws IOException {
        if (failure != null) {
            throw new ReplicationException(
                    ReplicationException.categoryOf(failure), String.valueOf(failure.getMessage()), failure);
        }
    }

    /** Ends the feed: everybody gets the failure, and the window is released. */
    void fail(final IOException cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
            }
            window.drain(Frame::release);
            inMemory = 0;
            appended.signalAll();
            manyAppended.signalAll();
            drained.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the position behind the last frame. */
    long endPosition() {
        lock.lock();
        try {
            return endPosition;
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether the END frame has been appended. */
    boolean ended() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns a cursor at a position.
     *
     * @param mayFallBehind whether the consumer can read what has left the window from the store.
     */
    Cursor cursor(final long position, final boolean mayFallBehind) {
        return placed(new Cursor(mayFallBehind, appended), position);
    }

    /**
     * Returns the cursor of the node's own store, which never falls behind. Where the frames are stored already it only
     * takes note of them, some at a time, or at the end of its wait.
     */
    Cursor storeCursor(final long position) {
        return placed(new Cursor(false, manyAppended), position);
    }

    private Cursor placed(final Cursor cursor, final long position) {
        lock.lock();
        try {
            cursor.place(position);
            cursors.add(cursor);
        } finally {
            lock.unlock();
        }
        return cursor;
    }

    /** One consumer's place. Used by one thread; {@link #close()} by any. */
    final class Cursor implements AutoCloseable {
        private final boolean mayFallBehind;
        private final Condition arrival;
        private long position;
        private long sequence;
        private boolean behind;
        private boolean closed;

        /**
         * Whether the consumer is still at work on the frame that it got last. The store must have written a frame before
         * the window lets it go: from then on others are served from the store.
         */
        private boolean inHand;

        private Cursor(final boolean mayFallBehind, final Condition arrival) {
            this.mayFallBehind = mayFallBehind;
            this.arrival = arrival;
        }

        private void place(final long newPosition) {
            position = newPosition;
            behind = false;
            for (sequence = window.first(); sequence < window.end(); sequence++) {
                final Frame frame = window.get(sequence);
                if (sequence == window.first() && newPosition < frame.position()) {
                    behind = true;
                    return;
                }
                if (frame.endPosition() > newPosition || frame.isEnd()) {
                    return;
                }
            }
            behind = newPosition < endPosition && window.isEmpty();
        }

        /** Returns the position of the next frame. */
        long position() {
            lock.lock();
            try {
                return position;
            } finally {
                lock.unlock();
            }
        }

        /** Goes to another position. */
        void seek(final long newPosition) {
            lock.lock();
            try {
                place(newPosition);
                drained.signalAll();
            } finally {
                lock.unlock();
            }
        }

        /**
         * Returns how far the consumer must be served from the store before it can go on in the window, or -1 when it is
         * in the window (or ahead of it).
         *
         * @throws IOException the failure of the feed: then the store may end before the last frame.
         */
        long replayLimit() throws IOException {
            lock.lock();
            try {
                rethrow();
                if (behind) {
                    place(position);
                }
                if (!behind) {
                    return middleOfData();
                }
                return window.isEmpty()
                        ? endPosition
                        : window.get(window.first()).position();
            } finally {
                lock.unlock();
            }
        }

        /** A consumer that an earlier run with other blocks has left in the middle of one is served its rest apart. */
        private long middleOfData() {
            if (sequence >= window.end()) {
                return -1;
            }
            final Frame frame = window.get(sequence);
            final boolean inside = frame.position() < position && position < frame.endPosition();
            return inside && frame.isStored() ? frame.endPosition() : -1;
        }

        /**
         * Returns the next frame, retained for the caller, or null when there is none within {@code wait} or the consumer
         * is behind the window.
         */
        @Nullable
        Frame next(final Duration wait) throws IOException {
            long left = wait.toNanos();
            lock.lock();
            try {
                if (inHand) {
                    inHand = false;
                    drained.signalAll();
                }
                while (true) {
                    rethrow();
                    if (closed) {
                        throw new ReplicationException(
                                ReplicationException.Category.CANCELLED, "the cursor was closed");
                    }
                    if (behind) {
                        return null;
                    }
                    final @Nullable Frame frame = current();
                    if (frame != null) {
                        sequence++;
                        inHand = !mayFallBehind;
                        position = frame.endPosition();
                        drained.signalAll();
                        return frame;
                    }
                    if (left <= 0) {
                        return null;
                    }
                    left = await(arrival, left);
                }
            } finally {
                lock.unlock();
            }
        }

        private @Nullable Frame current() {
            while (sequence < window.end()) {
                final Frame frame = window.get(sequence);
                if (frame.isEnd() || frame.position() >= position) {
                    return frame.retain();
                }
                if (frame.endPosition() > position) {
                    return frame.payload() != null ? frame.retain() : frame.isStored() ? null : frame.tail(position);
                }
                sequence++;
            }
            return null;
        }

        /** Lets the window go on without this consumer. */
        @Override
        public void close() {
            lock.lock();
            try {
                closed = true;
                cursors.remove(this);
                arrival.signalAll();
                drained.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
