package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands out links that have proven themselves. Handshakes run on threads of their own, so that a stranger who says
 * nothing keeps nobody waiting for long. When there are too many of them, those who have had their fair time are thrown
 * out, the first come first.
 */
final class HandshakeListener implements Listener {
    /** How long a peer may take to prove itself. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Logger log = LoggerFactory.getLogger(HandshakeListener.class);
    private static final int MAX_PENDING = 64;
    private static final int MAX_READY = 256;
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** What an honest peer needs at most, so that a crowd of them is not thrown out but waits its turn. */
    private static final Duration FAIR = Duration.ofSeconds(1);

    /** Proves a peer: returns the link to go on with, or closes it and throws. */
    interface Handshake {
        Link prove(Link stranger) throws IOException;
    }

    private final Listener below;
    private final Locator local;
    private final Handshake handshake;
    private final ExecutorService handshakes;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Strangers in the order of their coming, with the time they have until others may go before them. */
    private final Map<Link, Deadline> pending = new LinkedHashMap<>();

    private final ArrayDeque<Link> ready = new ArrayDeque<>();
    private boolean closed;

    HandshakeListener(final Listener below, final Locator local, final Handshake handshake) {
        this.below = below;
        this.local = local;
        this.handshake = handshake;
        this.handshakes = Executors.newCachedThreadPool(task -> daemon(task, "handshake at " + local));
        daemon(this::acceptAll, "accept at " + local).start();
    }

    private static Thread daemon(final Runnable task, final String name) {
        final Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    private void acceptAll() {
        try {
            while (awaitRoom()) {
                try {
                    final @Nullable Link stranger = below.accept(LOOK);
                    if (stranger != null) {
                        begin(stranger);
                    }
                } catch (final ReplicationException e) {
                    // such as too many open files: others may close theirs
                    log.warn("{}", e.getMessage());
                    pause();
                }
            }
        } catch (final AsynchronousCloseException e) {
            log.debug("{} is closed", local);
        } catch (final IOException | RuntimeException e) {
            log.error("{} takes no more peers: {}", local, e.getMessage(), e);
        }
    }

    /** Waits until one more stranger can be let in; returns false when this is closed. */
    private boolean awaitRoom() {
        lock.lock();
        try {
            while (!closed && (ready.size() >= MAX_READY || isCrowded())) {
                changed.awaitNanos(FAIR.toNanos());
            }
            return !closed;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    private boolean isCrowded() {
        return pending.size() >= MAX_PENDING
                && !pending.values().iterator().next().passed();
    }

    private void pause() {
        lock.lock();
        try {
            long leftNs = LOOK.toNanos();
            while (!closed && leftNs > 0) {
                leftNs = changed.awaitNanos(leftNs);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private void begin(final Link stranger) throws IOException {
        @Nullable Link thrownOut = null;
        lock.lock();
        try {
            if (closed) {
                thrownOut = stranger;
            } else {
                if (pending.size() >= MAX_PENDING) {
                    thrownOut = pending.keySet().iterator().next();
                    pending.remove(thrownOut);
                }
                pending.put(stranger, Deadline.in(FAIR));
                handshakes.execute(() -> run(stranger));
            }
        } finally {
            lock.unlock();
        }
        if (thrownOut != null) {
            thrownOut.close();
        }
    }

    private void run(final Link stranger) {
        @Nullable Link proven = null;
        try {
            proven = handshake.prove(stranger);
        } catch (final IOException | RuntimeException e) {
            if (ReplicationException.categoryOf(e) == Category.FAIL_JOB) {
                log.warn("{} refused a peer: {}", local, e.getMessage());
            } else {
                log.debug("{}: a peer did not prove itself: {}", local, e.getMessage());
            }
        }
        lock.lock();
        try {
            final boolean stillWanted = pending.remove(stranger) != null;
            if (proven != null && stillWanted) {
                ready.add(proven);
                proven = null;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (proven != null) {
            closeQuietly(proven);
        }
    }

    private static void closeQuietly(final Link link) {
        try {
            link.close();
        } catch (final IOException e) {
            log.debug("close {}: {}", link.peer(), e.getMessage());
        }
    }

    @Override
    public Locator local() {
        return local;
    }

    @Override
    public @Nullable Link accept(final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        lock.lock();
        try {
            while (!closed && ready.isEmpty()) {
                final long leftNs = deadline.left().toNanos();
                if (leftNs <= 0) {
                    return null;
                }
                changed.awaitNanos(leftNs);
            }
            if (closed) {
                throw new AsynchronousCloseException();
            }
            changed.signalAll();
            return ready.poll();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(Category.CANCELLED, "interrupted while accepting at " + local, e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        final Set<Link> left;
        lock.lock();
        try {
            closed = true;
            left = new LinkedHashSet<>(pending.keySet());
            left.addAll(ready);
            pending.clear();
            ready.clear();
            handshakes.shutdown();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        below.close();
        left.forEach(HandshakeListener::closeQuietly);
    }
}
