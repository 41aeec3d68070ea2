package io.replicate.nbd.client;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to one export. A call goes to the one with the least under way; when that is lost before it answered,
 * the call is made again on a new one, until the time to reconnect is over. All requests of NBD may be repeated: they
 * leave the same bytes. Safe for use by any thread.
 */
final class Connections implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Connections.class);
    private static final Duration LAST_WORDS = Duration.ofSeconds(10);
    /** How long closing waits for the goodbyes to be sent. */
    private static final Duration GOODBYE = Duration.ofSeconds(2);

    private static final Duration REST = Duration.ofSeconds(5);
    private static final long FIRST_WAIT_MS = 20;
    private static final long LONGEST_WAIT_MS = 1000;

    private final NbdAddress address;
    private final List<String> contexts;
    private final Dialer dialer;
    private final ExportInfo info;
    private final Slot[] slots;
    private volatile boolean closed;

    private final class Slot {
        private final ReentrantLock lock = new ReentrantLock();
        private volatile @Nullable Wire wire;
        /** Until then the server is not asked again for one connection more. */
        private volatile long restsUntilNs = System.nanoTime();

        boolean isAlive() {
            final Wire w = wire;
            return w != null && !w.isDead();
        }

        /** An idle connection is better than a new one, and a new one better than one that is busy. */
        int load() {
            final Wire w = wire;
            if (w == null || w.isDead()) {
                return lock.isLocked() || System.nanoTime() - restsUntilNs < 0 ? Integer.MAX_VALUE : 1;
            }
            return w.underWay() == 0 ? 0 : w.underWay() + 1;
        }

        void rest() {
            restsUntilNs = System.nanoTime() + REST.toNanos();
        }

        Wire wire() throws IOException {
            final Wire w = wire;
            return w != null && !w.isDead() ? w : connect();
        }

        private Wire connect() throws IOException {
            lock.lock();
            try {
                final Wire before = wire;
                if (before != null && !before.isDead()) {
                    return before;
                }
                final Wire fresh = dialer.open(contexts);
                final String change = fresh.info().changeFrom(info);
                if (!change.isEmpty()) {
                    fresh.disconnect();
                    throw ReplicationException.fail(address + ": the export is another one now: " + change, null);
                }
                if (before != null) {
                    LOG.info("{}: connected again", address);
                }
                if (closed) {
                    fresh.disconnect();
                    throw closed();
                }
                wire = fresh;
                return fresh;
            } finally {
                lock.unlock();
            }
        }
    }

    /** Connects once; more connections follow when there is work for them. */
    Connections(NbdAddress address, List<String> contexts) throws IOException {
        this.address = address;
        this.contexts = contexts;
        this.dialer = new Dialer(address);
        final Wire first = first();
        this.info = first.info();
        this.slots = new Slot[info.multiConn() ? address.connections() : 1];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot();
        }
        slots[0].wire = first;
    }

    private Wire first() throws IOException {
        try {
            return dialer.open(contexts);
        } catch (final IOException | RuntimeException e) {
            dialer.close();
            throw e;
        }
    }

    ExportInfo info() {
        return info;
    }

    private ReplicationException closed() {
        return ReplicationException.misuse(address + ": is closed");
    }

    /**
     * Makes a call and waits for its answer.
     *
     * @return the wire that answered: context ids are its own.
     */
    Wire call(Call first) throws IOException {
        Call call = first;
        long giveUpNs = 0;
        long waitMs = FIRST_WAIT_MS;
        while (true) {
            if (closed) {
                throw closed();
            }
            try {
                final Wire wire = wire();
                perform(wire, call);
                first.takeFrom(call);
                return wire;
            } catch (final ReplicationException e) {
                final long now = System.nanoTime();
                if (e.category() != ReplicationException.Category.RETRY) {
                    throw e;
                }
                if (giveUpNs == 0) {
                    giveUpNs = now + address.reconnect().toNanos();
                }
                if (now - giveUpNs >= 0) {
                    throw e;
                }
                LOG.debug("{}: trying again: {}", address, e.getMessage());
                pause(waitMs);
                waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
                call = first.again();
            }
        }
    }

    private void perform(Wire wire, Call call) throws IOException {
        wire.submit(call);
        boolean over = false;
        try {
            over = call.await(address.timeout());
        } finally {
            if (!over) {
                wire.abandon("no answer within " + address.timeout().toSeconds() + " s");
                over = call.awaitUninterruptibly(LAST_WORDS); // until then the event loop may still use the buffer
            }
        }
        if (!over) {
            throw ReplicationException.fail(address + ": a request does not end", null);
        }
        call.check(address);
    }

    /** Returns the connection for the next call. A server that refuses one more is asked over those that it gave. */
    private Wire wire() throws IOException {
        final Slot best = leastLoaded();
        try {
            return best.wire();
        } catch (final ReplicationException e) {
            final Optional<Slot> other =
                    Arrays.stream(slots).filter(Slot::isAlive).findFirst();
            if (e.category() != ReplicationException.Category.RETRY || other.isEmpty()) {
                throw e;
            }
            LOG.debug("{}: no further connection: {}", address, e.getMessage());
            best.rest();
            return other.get().wire();
        }
    }

    private Slot leastLoaded() {
        Slot best = slots[0];
        for (final Slot slot : slots) {
            if (slot.load() < best.load()) {
                best = slot;
            }
        }
        return best;
    }

    private static void pause(long ms) throws ReplicationException {
        try {
            TimeUnit.MILLISECONDS.sleep(ms);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting to reconnect", e);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (final Slot slot : slots) {
            final Wire wire = slot.wire;
            if (wire != null) {
                wire.disconnect();
            }
        }
        final long until = System.nanoTime() + GOODBYE.toNanos();
        for (final Slot slot : slots) {
            final Wire wire = slot.wire;
            if (wire != null) {
                wire.awaitClosed(until - System.nanoTime());
            }
        }
        dialer.close();
    }
}
