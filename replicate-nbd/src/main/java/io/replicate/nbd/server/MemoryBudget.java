package io.replicate.nbd.server;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What all clients of a server together may hold in buffers. A client beyond the budget is not refused: it goes on with
 * one small piece at a time, so that nobody waits for memory that a stalled client keeps. Thread-safe.
 */
final class MemoryBudget {
    /** The largest piece in which payloads pass through memory, in bytes. */
    static final int PIECE = 1 << 20;
    /** The piece of a client that finds the budget used up. */
    static final int SMALL_PIECE = 128 << 10;

    private final AtomicLong held = new AtomicLong();
    private final long limit;

    MemoryBudget(long limit) {
        this.limit = limit;
    }

    /** Adds to what is held; negative to give back. */
    void add(long bytes) {
        held.addAndGet(bytes);
    }

    /** Returns what is held, in bytes. */
    long held() {
        return held.get();
    }

    /** Returns whether clients must be content with one small piece. */
    boolean exhausted() {
        return held.get() > limit;
    }

    /** Returns the length of the next piece of a payload of {@code wanted} bytes. */
    int piece(long wanted) {
        return (int) Math.min(wanted, exhausted() ? SMALL_PIECE : PIECE);
    }
}
