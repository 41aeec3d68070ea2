package io.replicate.ring.internal;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.TargetBusyException;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.Refuse;
import io.replicate.ring.internal.ControlMessage.Result;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node that waits for a server and does one copy for it. Strangers, port scans and second servers are turned away
 * without disturbing the copy.
 */
public final class NodeRun implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeRun.class);
    private static final Duration TICK = Duration.ofMillis(250);
    private static final Duration HELLO_WAIT = Duration.ofSeconds(5);
    /** A target that is being opened may be in a system call that nobody can end. */
    private static final Duration OPEN_WAIT = Duration.ofSeconds(60);

    /** How long a finished node waits for a server that was lost: only to hear that all is done. */
    private static final Duration DONE_WAIT = Duration.ofSeconds(10);

    private final Listener listener;
    private final NodeSettings settings;
    private final Opener opener;
    private final Greeters greeters = new Greeters();
    private @Nullable NodeSession session;
    /** Whether a target is being opened, which may take as long as it takes to read a device again. */
    private boolean opening;

    private long serverLostAtNs;
    private int conversations;
    private String refusal = "";
    private volatile boolean stopped;

    /** Opens the target of an offer. */
    interface Opener {
        NodeSession open(Offer offer, StoredDigest.Watch rereading) throws IOException;
    }

    /** Creates a node behind a bound address. */
    public NodeRun(final Listener listener, final NodeSettings settings) {
        this(listener, settings, new SessionOpener(settings));
    }

    NodeRun(final Listener listener, final NodeSettings settings, final Opener opener) {
        this.listener = listener;
        this.settings = settings;
        this.opener = opener;
    }

    /**
     * How a node's copy ended.
     *
     * @param name of the node, as the server calls it.
     * @param target that was written.
     * @param resumedFrom how many bytes were there already.
     * @param digest of the copy, empty when it was not verified.
     */
    public record Outcome(
            boolean ok, String name, String target, long bytes, long resumedFrom, String digest, String reason) {}

    /**
     * Waits for a server and takes part in its run.
     *
     * @param firstWait how long to wait for a server at all.
     * @throws ReplicationException RETRY when none came.
     */
    public Outcome run(final Duration firstWait) throws IOException {
        final long giveUpAt = System.nanoTime() + firstWait.toNanos();
        try {
            while (true) {
                final @Nullable Link link = listener.accept(TICK);
                if (link != null) {
                    greeters.greet(link, this::greet);
                }
                final @Nullable Outcome outcome = outcome();
                if (outcome != null) {
                    return outcome;
                }
                if (stopped) {
                    throw new ReplicationException(
                            ReplicationException.Category.CANCELLED, "stopped before the copy was complete");
                }
                if (isIdle() && System.nanoTime() - giveUpAt > 0) {
                    throw ReplicationException.retry("no server came within " + firstWait.toSeconds() + " s", null);
                }
            }
        } finally {
            close();
        }
    }

    private synchronized @Nullable NodeSession currentSession() {
        return session;
    }

    private synchronized boolean isOpening() {
        return opening;
    }

    private synchronized boolean isIdle() {
        return session == null && !opening;
    }

    private synchronized @Nullable Outcome outcome() {
        final @Nullable NodeSession s = session;
        if (s == null) {
            return null;
        }
        final @Nullable Result result = s.result();
        final @Nullable Done done = s.done();
        final long wait = result == null
                ? settings.serverWait().toNanos()
                : Math.min(settings.serverWait().toNanos(), DONE_WAIT.toNanos());
        final boolean serverGone = conversations == 0 && System.nanoTime() - serverLostAtNs > wait;
        if (result != null && (done != null || serverGone || (!result.ok() && conversations == 0))) {
            return new Outcome(
                    result.ok(),
                    s.offer().nodeName(),
                    s.offer().target(),
                    result.bytes(),
                    s.resumedFrom(),
                    result.digest(),
                    Objects.requireNonNullElse(result.reason(), ""));
        }
        if (result == null && (done != null || serverGone)) {
            final String reason = done != null
                    ? done.reason()
                    : "the server is gone since " + settings.serverWait().toSeconds() + " s";
            return new Outcome(false, s.offer().nodeName(), s.offer().target(), 0, s.resumedFrom(), "", reason);
        }
        return null;
    }

    private void greet(final Link link) {
        final Wire wire = new Wire(link);
        boolean handedOver = false;
        try {
            link.timeout(HELLO_WAIT);
            settings.guard().proveIn(link);
            final ControlMessage hello = wire.receiveControl();
            greeters.known(link);
            if (hello instanceof Offer offer) {
                serve(wire, offer);
            } else if (hello instanceof DataHello data) {
                handedOver = takeData(wire, data);
            }
        } catch (final IOException e) {
            settings.listener().event("turned away " + link.peer() + ": " + e.getMessage());
        } finally {
            if (!handedOver) {
                wire.close();
            }
        }
    }

    private boolean takeData(final Wire wire, final DataHello hello) {
        final @Nullable NodeSession s = currentSession();
        if (s == null || !s.offer().session().equals(hello.session())) {
            return false;
        }
        s.dataLink(wire, hello);
        return true;
    }

    private void serve(final Wire wire, final Offer offer) throws IOException {
        final NodeSession s;
        try {
            s = sessionFor(offer);
        } catch (final IOException | RuntimeException e) {
            final String reason = e instanceof ReplicationException ? String.valueOf(e.getMessage()) : e.toString();
            sayRefused(reason);
            LOG.debug("refused", e);
            wire.send(new Refuse(!mayAskAgain(e), reason));
            return;
        }
        try {
            final Done done = s.converse(wire);
            settings.listener().event(done.reason());
        } finally {
            synchronized (this) {
                conversations--;
                serverLostAtNs = System.nanoTime();
            }
        }
    }

    /**
     * A target may be free again when an older process, stopped a moment ago, has saved what it has; and who was stopped
     * may be started again.
     */
    private static boolean mayAskAgain(final Exception e) {
        final ReplicationException.Category category = ReplicationException.categoryOf(e);
        return e instanceof TargetBusyException
                || category == ReplicationException.Category.RETRY
                || category == ReplicationException.Category.CANCELLED;
    }

    /** Who may ask again does so twice a second: the same reason is told once. */
    private synchronized void sayRefused(final String reason) {
        if (!reason.equals(refusal)) {
            refusal = reason;
            settings.listener().event("refused: " + reason);
        }
    }

    private NodeSession sessionFor(final Offer offer) throws IOException {
        final @Nullable NodeSession outdated;
        synchronized (this) {
            if (offer.version() != ControlMessage.VERSION) {
                throw ReplicationException.misuse("the server speaks version " + offer.version()
                        + " of the ring protocol, this node version " + ControlMessage.VERSION);
            }
            if (stopped) {
                throw ReplicationException.retry("this node is stopping", null);
            }
            if (opening) {
                throw ReplicationException.retry(
                        "this node is still opening its target, or reads again what it has there", null);
            }
            outdated = session;
            if (outdated != null && goesOnFor(offer, outdated)) {
                conversations++;
                return outdated;
            }
            OfferCheck.check(offer, settings);
            session = null;
            opening = true;
        }
        return fresh(offer, outdated);
    }

    /** Returns whether a session is the one of a server: the same again, or one started again. */
    private boolean goesOnFor(final Offer offer, final NodeSession running) throws IOException {
        final Offer current = running.offer();
        if (current.session().equals(offer.session())) {
            if (current.node() != offer.node()) {
                throw ReplicationException.misuse(
                        offer.nodeName() + " and " + current.nodeName() + " are the same node: name it once");
            }
            return true;
        }
        if (conversations > 0 || !running.isSameCopy(offer)) {
            throw ReplicationException.retry("this node is busy with another server", null);
        }
        OfferCheck.check(offer, settings);
        if (!running.canServe(offer)) {
            return false;
        }
        running.adopt(offer);
        settings.listener().event("another server goes on with " + offer.image());
        return true;
    }

    /** Opens the target, while others are heard: that may take long. */
    private NodeSession fresh(final Offer offer, final @Nullable NodeSession outdated) throws IOException {
        @Nullable NodeSession fresh = null;
        boolean heard = false;
        try {
            if (outdated != null) {
                outdated.close();
            }
            final NodeSession opened = opener.open(offer, new Rereading(settings.listener(), () -> stopped));
            fresh = opened;
            opened.start();
            settings.listener()
                    .event("receiving " + offer.image() + " to " + offer.target()
                            + (opened.resumedFrom() > 0 ? ", going on at offset " + opened.resumedFrom() : ""));
            heard = true;
            return opened;
        } finally {
            synchronized (this) {
                session = fresh;
                conversations += heard ? 1 : 0; // whoever gets the session back counts it down
                opening = false;
            }
        }
    }

    /** Asks the node to stop; what is durable is kept for the next run. */
    public void stop() {
        stopped = true;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        stopped = true;
        // What is being opened must not stay open behind us.
        RingThreads.waitUntil(() -> !isOpening(), System.nanoTime() + OPEN_WAIT.toNanos());
        final @Nullable NodeSession s = currentSession();
        if (s != null) {
            s.close();
        }
        greeters.close();
    }
}
