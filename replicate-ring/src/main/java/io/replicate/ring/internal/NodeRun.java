package io.replicate.ring.internal;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.TargetBusyException;
import io.replicate.core.spi.Unit;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.Refuse;
import io.replicate.ring.internal.ControlMessage.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** How long a finished node waits for a server that was lost: only to hear that all is done. */
    private static final Duration DONE_WAIT = Duration.ofSeconds(10);

    private final Listener listener;
    private final NodeSettings settings;
    private final Greeters greeters = new Greeters();
    private @Nullable NodeSession session;
    private long serverLostAtNs;
    private int conversations;
    private String refusal = "";
    private volatile boolean stopped;

    /** Creates a node behind a bound address. */
    public NodeRun(final Listener listener, final NodeSettings settings) {
        this.listener = listener;
        this.settings = settings;
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
                if (currentSession() == null && System.nanoTime() - giveUpAt > 0) {
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

    /** A target may be free again when an older process, stopped a moment ago, has saved what it has. */
    private static boolean mayAskAgain(final Exception e) {
        return e instanceof TargetBusyException
                || ReplicationException.categoryOf(e) == ReplicationException.Category.RETRY;
    }

    /** Who may ask again does so twice a second: the same reason is told once. */
    private synchronized void sayRefused(final String reason) {
        if (!reason.equals(refusal)) {
            refusal = reason;
            settings.listener().event("refused: " + reason);
        }
    }

    private synchronized NodeSession sessionFor(final Offer offer) throws IOException {
        if (offer.version() != ControlMessage.VERSION) {
            throw ReplicationException.misuse("the server speaks version " + offer.version()
                    + " of the ring protocol, this node version " + ControlMessage.VERSION);
        }
        if (stopped) {
            throw ReplicationException.retry("this node is stopping", null);
        }
        final @Nullable NodeSession running = session;
        final NodeSession taken = running == null ? fresh(offer) : runningFor(offer, running);
        conversations++;
        return taken;
    }

    /** Returns the session for a server that comes while there is one: the same again, one started again, or another. */
    private NodeSession runningFor(final Offer offer, final NodeSession running) throws IOException {
        final Offer current = running.offer();
        if (current.session().equals(offer.session())) {
            if (current.node() != offer.node()) {
                throw ReplicationException.misuse(
                        offer.nodeName() + " and " + current.nodeName() + " are the same node: name it once");
            }
            return running;
        }
        if (conversations > 0 || !running.isSameCopy(offer)) {
            throw ReplicationException.retry("this node is busy with another server", null);
        }
        OfferCheck.check(offer, settings);
        if (running.canServe(offer)) {
            running.adopt(offer);
            settings.listener().event("another server goes on with " + offer.image());
            return running;
        }
        running.close();
        session = null;
        return fresh(offer);
    }

    private NodeSession fresh(final Offer offer) throws IOException {
        OfferCheck.check(offer, settings);
        final NodeSession fresh = open(offer);
        session = fresh;
        fresh.start();
        settings.listener()
                .event("receiving " + offer.image() + " to " + offer.target()
                        + (fresh.resumedFrom() > 0 ? ", going on at offset " + fresh.resumedFrom() : ""));
        return fresh;
    }

    @SuppressWarnings("unchecked") // a locator of a volume has a sink of extents; a store of digests is refused
    private NodeSession open(final Offer offer) throws IOException {
        final Locator target = Locator.parse(offer.target());
        final Sink<Extent> opened = (Sink<Extent>) Providers.sink(target);
        try {
            final NodeProgress progress = new NodeProgress(
                    offer.sizeBytes() == Unit.UNKNOWN ? null : checkpoint(target),
                    JobId.of("ring", offer.target()),
                    offer.image(),
                    settings.checkpointInterval());
            return new NodeSession(offer, settings, opened, progress);
        } catch (final IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private @Nullable Checkpoint checkpoint(final Locator target) throws IOException {
        if (!settings.resumable() || !"file".equals(target.scheme())) {
            return null;
        }
        final Path path = Path.of(target.rest()).toAbsolutePath();
        final @Nullable Path parent = path.getParent();
        final boolean device = Files.exists(path) && !Files.isRegularFile(path);
        if (parent != null && !device && !Files.isDirectory(parent)) {
            throw ReplicationException.misuse(path + ": the directory " + parent + " does not exist; make it first");
        }
        if (device || parent == null) {
            Files.createDirectories(settings.stateDir());
            final String name = "ring-" + JobId.of(path.toString()).value() + ".checkpoint";
            return Providers.checkpoint(
                    Locator.file(settings.stateDir().resolve(name).toString()));
        }
        return Providers.checkpoint(
                Locator.file(parent.resolve("." + path.getFileName() + ".ring").toString()));
    }

    /** Asks the node to stop; what is durable is kept for the next run. */
    public void stop() {
        stopped = true;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        final @Nullable NodeSession s = currentSession();
        if (s != null) {
            s.close();
        }
        greeters.close();
    }
}
