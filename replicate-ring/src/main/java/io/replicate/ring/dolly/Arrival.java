package io.replicate.ring.dolly;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How far a client's stream has come, and what is known of its end; and who may bring the rest when the parent is lost.
 * Several threads look at it: the one that receives, the one that listens to the parent, and those of the door.
 */
final class Arrival implements Parent.Events, Inflow.Watch {
    private static final Duration DATA_WAIT = Duration.ofSeconds(5);

    private final DollyOptions options;
    private @Nullable Parent parent;
    private @Nullable Inflow inflow;
    private @Nullable Outflow outflow;
    private @Nullable IOException failure;
    private @Nullable IOException orphaned;
    private @Nullable Link adopted;
    private boolean waiting;
    private boolean adopting;
    private boolean connected;
    private boolean endForwarded;
    private boolean finished;
    private long received;
    private long total = -1;

    /** Held until the end mark is on its way: nothing that belongs behind it may overtake it. */
    private final Object endOrder = new Object();

    Arrival(final DollyOptions options) {
        this.options = options;
    }

    void of(final Parent speaking) {
        parent = speaking;
    }

    synchronized void inflow(final Inflow in) {
        inflow = in;
    }

    synchronized void outflow(final Outflow out) {
        outflow = out;
    }

    private Parent parent() {
        final @Nullable Parent speaking = parent;
        if (speaking == null) {
            throw new IllegalStateException("no parent");
        }
        return speaking;
    }

    synchronized long received() {
        return received;
    }

    synchronized void arrived(final int bytes) throws IOException {
        received += bytes;
        checkLength();
    }

    private synchronized void checkLength() throws IOException {
        if (total >= 0 && received > total) {
            throw ReplicationException.corrupt(
                    parent().peer() + " has sent " + received + " bytes instead of " + total);
        }
    }

    /** Returns whether all has arrived; throws what makes that impossible. */
    synchronized boolean isComplete() throws IOException {
        if (total >= 0 && received == total) {
            return true;
        }
        if (failure != null) {
            throw failure;
        }
        return false;
    }

    @Override
    public synchronized boolean isOver() throws IOException {
        if (isComplete()) {
            return true;
        }
        if (orphaned != null) {
            throw orphaned;
        }
        return false;
    }

    @Override
    public String notReady() {
        final @Nullable Outflow out;
        synchronized (this) {
            out = outflow;
        }
        return out == null ? "" : out.notReady();
    }

    /** The data has ended, and only the control connection tells whether that is all. */
    void awaitAll() throws IOException {
        final long announced = parent().awaitTotal(options.idleWait());
        if (announced >= 0) {
            synchronized (this) {
                total = announced; // the parent's thread may know it already and not have told us yet
                checkLength();
            }
        }
        if (isComplete()) {
            return;
        }
        throw ReplicationException.fail(
                "the data ended after " + received()
                        + (announced < 0
                                ? " bytes, and " + parent().peer() + " has not said whether that is all"
                                : " bytes of " + announced),
                null);
    }

    @Override
    public void end(final long bytes) {
        final @Nullable Inflow in;
        synchronized (this) {
            total = bytes;
            options.listener()
                    .verbose("Max. bytes will be " + bytes + " bytes. " + (bytes - received) + " bytes left.");
            try {
                checkLength();
            } catch (final IOException e) {
                failure = e;
            }
            in = received == total || failure != null ? inflow : null;
        }
        if (in != null) {
            in.close(); // wakes the thread that waits for data
        }
        forwardEnd();
    }

    /** Says that there is somebody to forward the end mark to. */
    void connected() {
        synchronized (this) {
            connected = true;
        }
        forwardEnd();
    }

    private void forwardEnd() {
        synchronized (endOrder) {
            final @Nullable Outflow out;
            final long bytes;
            synchronized (this) {
                if (!connected || endForwarded || total < 0) {
                    return;
                }
                endForwarded = true;
                out = outflow;
                bytes = total;
            }
            if (out != null) {
                out.end(bytes, true);
            }
        }
    }

    @Override
    public void failed(final IOException cause) {
        synchronized (this) {
            if (finished || (total >= 0 && received == total)) {
                return;
            }
            if (total >= 0 && !parent().isExtended()) {
                return; // an old parent may leave behind the end mark: the data tells
            }
            if (!parent().isGone()) {
                return; // another one has taken its place meanwhile
            }
            if (parent().isOrphan()) {
                orphaned = cause;
            } else if (failure == null) {
                failure = cause;
            }
            notifyAll();
            if (inflow != null && !waiting) {
                inflow.close(); // wakes the thread that waits for data; not what has come for it from another parent
            }
        }
    }

    /**
     * Waits for a node of ours to take the place of a lost parent of ours.
     *
     * @param end of the data, as the thread that receives has seen it.
     * @return its data connection, whose first byte is the next one that is missing.
     * @throws IOException the cause, when nobody comes or can come.
     */
    Link awaitTakeover(final IOException end) throws IOException {
        isComplete();
        final IOException cause = whyLost(end);
        if (!options.extended() || !parent().isFramed()) {
            throw cause;
        }
        parent().lose();
        options.listener()
                .warning(cause.getMessage() + "; waiting for another node to go on from offset " + received());
        final Deadline deadline = Deadline.in(Extension.patience(options));
        synchronized (this) {
            orphaned = cause;
            waiting = true;
            while (adopted == null) {
                if (failure != null) {
                    throw failure;
                }
                if (deadline.passed() || (!adopting && !parent().isOrphan())) {
                    waiting = false;
                    throw cause;
                }
                pause(deadline);
            }
            waiting = false;
            final Link link = adopted;
            adopted = null;
            return link;
        }
    }

    /** The thread that listens to the parent closes the data connection when it is lost: then it knows why. */
    private synchronized IOException whyLost(final IOException end) {
        return orphaned == null ? end : orphaned;
    }

    @SuppressWarnings("WaitNotInLoop") // the caller loops
    private void pause(final Deadline deadline) throws ReplicationException {
        try {
            wait(Math.min(1000, deadline.left().toMillis()));
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    /** Hears a node that asks to take the place of our parent; takes over the connection. */
    void request(final ControlLink control, final String line, final Door door) throws IOException {
        if (!parent().admits(line)) {
            control.close();
            return;
        }
        final long from;
        synchronized (this) {
            final boolean quiet = waiting || (total >= 0 && received == total);
            if (finished || adopting || !quiet || !parent().isOrphan()) {
                control.writeLine("+wait");
                control.close();
                return;
            }
            adopting = true;
            from = received;
        }
        boolean kept = false;
        try {
            control.writeLine("+at " + from);
            final @Nullable Link link = door.dataOf(control, Deadline.in(DATA_WAIT));
            if (link != null) {
                parent().replace(control);
                kept = true;
                synchronized (this) {
                    orphaned = null;
                    adopted = link;
                }
                options.listener().verbose("Client goes on with " + control.peer() + " at offset " + from + ".");
            }
        } finally {
            if (!kept) {
                Threads.closeQuietly(control);
            }
            synchronized (this) {
                adopting = false;
                notifyAll();
            }
        }
    }

    /** Returns what a failure came from. */
    synchronized IOException rootCause(final IOException e) {
        final @Nullable String refusal = parent().refusal();
        if (refusal != null) {
            return ReplicationException.fail(refusal, e);
        }
        return failure == null ? e : failure;
    }

    synchronized void fail(final IOException cause) {
        failure = cause;
    }

    /** Says that nothing that happens from now on matters. */
    void finish() {
        final @Nullable Link link;
        synchronized (this) {
            finished = true;
            link = adopted;
            notifyAll();
        }
        if (link != null) {
            Threads.closeQuietly(link);
        }
    }

    void stop() {
        final @Nullable Inflow in;
        synchronized (this) {
            if (!finished && failure == null) {
                failure = new ReplicationException(ReplicationException.Category.CANCELLED, "stopped");
            }
            in = inflow;
            notifyAll();
        }
        if (in != null) {
            in.close();
        }
    }
}
