package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends the stream to one child, on a thread of its own. Waits with the first byte until the child has said whether it
 * is one of ours, for then the data goes in frames. A child that was taken over first gets what it has missed.
 */
final class Feeder {
    /** How long a child is waited for that should have spoken: a real one has, before there can be data. */
    private static final Duration WORD_WAIT = Duration.ofSeconds(2);

    private final String name;
    private final DataOut data;
    private final DollyOptions options;
    private final Consumer<String> lost;
    private final PieceQueue queue = new PieceQueue();
    private @Nullable Thread thread;
    private @Nullable History history;
    private boolean spoken;
    private boolean sending;
    private boolean framesAsked;
    private boolean framesAgreed;
    private boolean closed;
    private long missingFrom = -1;
    private long missingTo = -1;

    /** @param lost is told why the child does not take data. */
    Feeder(final String name, final DataOut data, final DollyOptions options, final Consumer<String> lost) {
        this.name = name;
        this.data = data;
        this.options = options;
        this.lost = lost;
    }

    void start() {
        thread = Threads.start("dolly-send-" + name, this::send);
    }

    /** Returns whether nothing was sent yet, so that a child may still say that it is ours. */
    synchronized boolean mayFrame() {
        return !sending;
    }

    /** Says that the child has spoken, and whether it is asked to take frames. */
    synchronized void spoken(final boolean frames) {
        spoken = true;
        framesAsked = frames;
        notifyAll();
    }

    synchronized void framesAgreed() {
        framesAgreed = true;
        notifyAll();
    }

    /** Makes it the feeder of a child of ours that has everything before {@code offset}. */
    synchronized void framedFrom(final long offset) {
        spoken = true;
        framesAsked = true;
        framesAgreed = true;
        missingFrom = offset;
    }

    /** Returns from where a child that was taken over must be fed, or -1. */
    synchronized long missingFrom() {
        return missingFrom;
    }

    /** Says up to where the pieces come from the history, before those that are offered. */
    synchronized void missingTo(final long offset, final @Nullable History from) {
        missingTo = offset;
        history = from;
    }

    private void send() {
        try {
            boolean begun = missingFrom() >= 0;
            if (begun) {
                data.framed();
                catchUp();
            }
            for (Piece piece = queue.take(); piece != null; piece = queue.take()) {
                try {
                    if (!begun) {
                        begun = true;
                        await();
                    }
                    data.send(piece);
                } finally {
                    piece.release();
                }
            }
        } catch (final IOException e) {
            lost.accept("does not take data: " + e.getMessage());
        }
    }

    private synchronized void await() throws IOException {
        final Deadline word = Deadline.in(WORD_WAIT);
        while (!closed && !spoken && !word.passed()) {
            pause(word);
        }
        sending = true;
        if (framesAsked) {
            final Deadline yes = Deadline.in(options.startWait());
            while (!closed && !framesAgreed && !yes.passed()) {
                pause(yes);
            }
            if (!framesAgreed) {
                throw ReplicationException.fail("it has not agreed to take frames", null);
            }
            data.framed();
        }
    }

    @SuppressWarnings("WaitNotInLoop") // both callers loop
    private void pause(final Deadline deadline) throws ReplicationException {
        try {
            wait(deadline.left().toMillis());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    private void catchUp() throws IOException {
        final long end;
        final @Nullable History past;
        long at;
        synchronized (this) {
            end = missingTo;
            past = history;
            at = missingFrom;
        }
        while (at < end) {
            if (past == null) {
                throw ReplicationException.fail("it needs offset " + at + ", which is gone", null);
            }
            final Piece piece = past.piece(at, Math.min(end, at + Piece.roomAt(at)));
            try {
                data.send(piece);
            } finally {
                piece.release();
            }
            at = piece.end();
        }
    }

    /** Gives a piece, whose reference it takes over, to the sender; waits while that is behind. */
    void offer(final Piece piece) {
        try {
            queue.put(piece);
        } catch (final IOException e) {
            // the sender has said why
        }
    }

    /** Says that all was offered, and waits until it is sent. */
    void finish() {
        queue.finish();
        if (thread != null) {
            Threads.join(thread);
        }
    }

    void finishLater() {
        queue.finish();
    }

    void shutdown() throws IOException {
        data.shutdown();
    }

    void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        queue.fail(new ReplicationException(ReplicationException.Category.CANCELLED, "closed"));
        data.close();
    }
}
