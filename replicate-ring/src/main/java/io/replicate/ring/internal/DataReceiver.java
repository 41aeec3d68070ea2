package io.replicate.ring.internal;

import io.replicate.core.block.BlockPool;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.DataReady;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes frames from whoever is our parent now and appends them to the feed. A parent that falls silent is reported; a new
 * one, or the same again, is told where to go on.
 */
final class DataReceiver {
    private static final Logger LOG = LoggerFactory.getLogger(DataReceiver.class);
    private static final int MAX_CORRUPT_IN_A_ROW = 5;

    private final Feed feed;
    private final BlockPool pool;
    private final Duration deadAfter;
    private final Duration alone;
    private final SilenceListener listener;
    private final @Nullable SpliceStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private @Nullable Hop next;
    private @Nullable Hop current;
    private boolean closed;

    /** Whether there was a parent. Before, the server waits for others, and says itself that it lives. */
    private boolean orphaned;

    private boolean appending; // used by the receiving thread

    /** Is told of parents that do not send. */
    interface SilenceListener {
        void parentSilent(int parent, String reason);
    }

    /** The links of one parent, in the order of their streams. */
    private static final class Hop {
        private final int epoch;
        private final int parent;
        private final @Nullable Wire[] wires;
        private int present;

        Hop(final DataHello hello) {
            this.epoch = hello.epoch();
            this.parent = hello.parent();
            this.wires = new Wire[hello.streams()];
        }

        boolean belongs(final DataHello hello) {
            return epoch == hello.epoch()
                    && parent == hello.parent()
                    && wires.length == hello.streams()
                    && wires[hello.stream()] == null;
        }

        boolean complete() {
            return present == wires.length;
        }

        Wire wire(final int stream) {
            final @Nullable Wire wire = wires[stream];
            if (wire == null) {
                throw new IllegalStateException("stream " + stream + " of a complete hop is missing");
            }
            return wire;
        }

        void close() {
            for (final @Nullable Wire wire : wires) {
                if (wire != null) {
                    wire.close();
                }
            }
        }
    }

    /**
     * Creates a receiver.
     *
     * @param deadAfter how long a parent may be silent.
     * @param alone how long to wait for another parent, once there was one.
     */
    DataReceiver(
            final Feed feed,
            final BlockPool pool,
            final Duration deadAfter,
            final Duration alone,
            final @Nullable SpliceStore store,
            final SilenceListener listener) {
        this.feed = feed;
        this.pool = pool;
        this.deadAfter = deadAfter;
        this.alone = alone;
        this.listener = listener;
        this.store = store;
    }

    /** Takes over a data link whose parent has said hello; a newer parent replaces an older one. */
    void offer(final Wire wire, final DataHello hello) {
        lock.lock();
        try {
            final boolean valid = hello.streams() >= 1
                    && hello.streams() <= SessionContext.MAX_STREAMS
                    && hello.stream() >= 0
                    && hello.stream() < hello.streams();
            if (closed || !valid || isStale(hello)) {
                wire.close();
                return;
            }
            if (next == null || !next.belongs(hello)) {
                if (next != null) {
                    next.close();
                }
                next = new Hop(hello);
            }
            next.wires[hello.stream()] = wire;
            next.present++;
            if (next.complete()) {
                if (current != null) {
                    current.close();
                }
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean isStale(final DataHello hello) {
        return (current != null && hello.epoch() < current.epoch) || (next != null && hello.epoch() < next.epoch);
    }

    /** Forgets all parents: another server counts its epochs anew. */
    void reset() {
        lock.lock();
        try {
            if (next != null) {
                next.close();
                next = null;
            }
            if (current != null) {
                current.close();
                current = null;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Receives until the end, and then tells every parent that comes that nothing is missing, until it is closed. */
    void run() throws IOException {
        int corrupt = 0;
        while (true) {
            final @Nullable Hop hop = nextHop();
            if (hop == null) {
                return;
            }
            final long before = feed.endPosition();
            try {
                receive(hop);
            } catch (final IOException e) {
                hop.close();
                corrupt = feed.endPosition() > before ? 0 : corrupt;
                corrupt += ReplicationException.categoryOf(e) == ReplicationException.Category.CORRUPT ? 1 : 0;
                if (corrupt >= MAX_CORRUPT_IN_A_ROW || isFatal(e)) {
                    throw e;
                }
                reportIfAlone(hop, e);
            }
        }
    }

    /** Whatever happens to a link, another parent may come; only what happens to the feed is our own end. */
    private boolean isFatal(final IOException e) {
        return isClosed()
                || isOfTheStore(e)
                || (appending && ReplicationException.categoryOf(e) != ReplicationException.Category.CORRUPT);
    }

    /** What the kernel tells of the target while it moves bytes there, such as a full disk, is no fault of a parent. */
    private static boolean isOfTheStore(final IOException e) {
        return e instanceof PosixException p && p.errno() != Errnos.EBADF; // EBADF: the link was closed meanwhile
    }

    private void reportIfAlone(final Hop hop, final IOException e) {
        final boolean replaced;
        lock.lock();
        try {
            replaced = next != null && next.complete();
        } finally {
            lock.unlock();
        }
        if (!replaced) {
            LOG.debug("parent {}: {}", hop.parent, e.getMessage());
            listener.parentSilent(hop.parent, String.valueOf(e.getMessage()));
        }
    }

    private @Nullable Hop nextHop() throws IOException {
        lock.lock();
        try {
            long left = alone.toNanos();
            while (!closed && (next == null || !next.complete())) {
                if (!orphaned || feed.ended()) {
                    changed.await();
                } else if (left <= 0) {
                    throw ReplicationException.retry("no parent came for " + alone.toSeconds() + " s", null);
                } else {
                    left = changed.awaitNanos(left);
                }
            }
            orphaned = true;
            final @Nullable Hop taken = closed ? null : next;
            if (current != null) {
                current.close();
            }
            current = taken;
            next = null;
            return taken;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for a parent", e);
        } finally {
            lock.unlock();
        }
    }

    private void receive(final Hop hop) throws IOException {
        appending = false;
        final long start = feed.endPosition();
        for (int stream = 0; stream < hop.wires.length; stream++) {
            hop.wire(stream).timeout(deadAfter);
            hop.wire(stream).send(new DataReady(start));
        }
        int turn = 0;
        while (!feed.ended()) {
            final @Nullable Frame frame = hop.wire(turn).receiveFrame(pool, feed.endPosition(), store);
            if (frame == null) {
                continue;
            }
            appending = true;
            feed.append(frame);
            appending = false;
            turn = (turn + 1) % hop.wires.length;
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Gives up all links. */
    void close() {
        lock.lock();
        try {
            closed = true;
            if (next != null) {
                next.close();
            }
            if (current != null) {
                current.close();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
