package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** Carries pieces from one thread to another. Bounded: its fullness is the back-pressure. */
final class PieceQueue {
    private static final int CAPACITY = 8;

    private final ArrayDeque<Piece> queue = new ArrayDeque<>(CAPACITY);
    private boolean finished;
    private @Nullable IOException failure;

    /** Adds a piece, whose reference it takes over also when it throws; waits while there is no room. */
    synchronized void put(final Piece piece) throws IOException {
        boolean taken = false;
        try {
            while (failure == null && queue.size() == CAPACITY) {
                pause();
            }
            rethrow();
            queue.addLast(piece);
            taken = true;
            notifyAll();
        } finally {
            if (!taken) {
                piece.release();
            }
        }
    }

    /** Returns the next piece, which the caller then owns, or null behind the last. */
    synchronized @Nullable Piece take() throws IOException {
        while (failure == null && queue.isEmpty() && !finished) {
            pause();
        }
        rethrow();
        final @Nullable Piece piece = queue.pollFirst();
        notifyAll();
        return piece;
    }

    /** Says that nothing more will be put. */
    synchronized void finish() {
        finished = true;
        notifyAll();
    }

    /** Ends it: both sides get the failure. The first one stands. */
    synchronized void fail(final IOException cause) {
        if (failure == null) {
            failure = cause;
        }
        queue.forEach(Piece::release);
        queue.clear();
        notifyAll();
    }

    private void rethrow() throws IOException {
        if (failure != null) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    @SuppressWarnings("WaitNotInLoop") // both callers loop
    private void pause() throws ReplicationException {
        try {
            wait();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }
}
