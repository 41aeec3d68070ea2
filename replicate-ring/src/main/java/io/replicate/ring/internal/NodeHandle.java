package io.replicate.ring.internal;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.Refuse;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The server's talk with one node: connects, offers, listens, and tries again when the node was lost. One thread. */
final class NodeHandle implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeHandle.class);
    private static final Duration RETRY_PAUSE = Duration.ofMillis(500);

    /** A node may have to reserve a large file before it can answer. */
    private static final Duration ANSWER_WAIT = Duration.ofSeconds(20);

    private final RingNodeAddress address;
    private final Offer offer;
    private final SessionContext context;
    private final Events events;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    /** The link, from its first byte; {@link #outbox} is there once the node has accepted. */
    private volatile @Nullable Wire wire;

    private volatile @Nullable Outbox outbox;
    private int attempts;

    /** Is told what a node says; called by the handle's thread. */
    interface Events {
        void accepted(int node, Accept accept);

        void refused(int node, Refuse refuse);

        void said(int node, ControlMessage message);

        void lost(int node, String reason);
    }

    NodeHandle(final RingNodeAddress address, final Offer offer, final SessionContext context, final Events events) {
        this.address = address;
        this.offer = offer;
        this.context = context;
        this.events = events;
    }

    RingNodeAddress address() {
        return address;
    }

    @Override
    public void run() {
        try {
            converseUntilClosed();
        } finally {
            ended.countDown();
        }
    }

    private void converseUntilClosed() {
        while (closed.getCount() > 0) {
            try {
                converse();
            } catch (final IOException e) {
                if (closed.getCount() > 0) {
                    events.lost(offer.node(), String.valueOf(e.getMessage()));
                }
            } finally {
                drop();
            }
            try {
                if (closed.await(RETRY_PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void converse() throws IOException {
        final String place =
                address.addresses().get(attempts++ % address.addresses().size());
        final Link link = context.transport().connect(Locator.parse(place), context.deadAfter());
        final Wire fresh = new Wire(link);
        wire = fresh;
        if (closed.getCount() == 0) {
            return;
        }
        link.timeout(ANSWER_WAIT);
        context.authenticateOut(link);
        fresh.send(offer);
        final ControlMessage answer = fresh.receiveControl();
        link.timeout(context.deadAfter());
        if (answer instanceof Refuse refuse) {
            events.refused(offer.node(), refuse);
            if (refuse.permanent()) {
                closed.countDown();
            }
            return;
        }
        if (!(answer instanceof Accept accept)
                || accept.version() != ControlMessage.VERSION
                || accept.position() < accept.begunAt()
                || accept.begunAt() < 0) {
            throw ReplicationException.corrupt(address.name() + " answered with something else than yes or no");
        }
        // From here on others may send: an earlier word would stand in the midst of the greeting.
        final Outbox out = new Outbox(fresh, context.heartbeat());
        outbox = out;
        RingThreads.start("ring-tell-" + address.name(), out);
        attempts--;
        events.accepted(offer.node(), accept);
        while (true) {
            events.said(offer.node(), fresh.receiveControl());
        }
    }

    /** Sends a message if the node is there; a failure shows as a loss. Never waits. */
    void tell(final ControlMessage message) {
        final @Nullable Outbox out = outbox;
        if (out != null) {
            out.put(message);
        }
    }

    private void drop() {
        final @Nullable Wire old = wire;
        final @Nullable Outbox out = outbox;
        outbox = null;
        wire = null;
        if (old != null) {
            old.close();
        }
        if (out != null) {
            out.finish();
        }
    }

    /** Ends the talk when everything has been said. */
    void finish() {
        closed.countDown();
        final @Nullable Outbox out = outbox;
        if (out != null) {
            out.finish();
        }
    }

    /**
     * Ends the talk for good.
     *
     * @param wait for the node to hear the last word and to hang up: who closes with words unread may cut off his own.
     */
    void close(final Duration wait) {
        finish();
        try {
            if (outbox != null && !ended.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
                LOG.debug("{} did not hang up", address.name());
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        drop();
    }
}
