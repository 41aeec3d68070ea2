package io.replicate.ring.internal;

import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Transport;
import io.replicate.core.spi.Unit;
import io.replicate.ring.NodeStage;
import io.replicate.ring.NodeStatus;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.ChildLost;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.ParentSilent;
import io.replicate.ring.internal.ControlMessage.Result;
import io.replicate.ring.internal.ControlMessage.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node's part in one run of a server: receives, stores, feeds its children, and reports. Four threads (receive, store,
 * control, status) and one for each child. The session outlives a broken control link for a while: a server that comes
 * back takes it up again.
 */
final class NodeSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeSession.class);
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final Duration GIVE_UP = Duration.ofMinutes(5);

    private final NodeSettings settings;
    private final Sink<Extent> sink;
    private final Session<Extent> store;
    private final NodeProgress progress;
    private final long resumeFrom;
    private final BlockPool pool;
    private final Feed feed;
    private final StoreWriter writer;
    private final DataReceiver receiver;
    private final ChildSenders children;
    private final CountDownLatch finished = new CountDownLatch(1);
    private volatile Offer offer;
    private volatile @Nullable Wire control;
    private volatile @Nullable Result result;
    private volatile @Nullable Done done;
    private volatile int stage = NodeStage.WAITING;

    NodeSession(
            final Offer offer,
            final NodeSettings settings,
            final Sink<Extent> sink,
            final NodeProgress progress,
            final StoredDigest.Watch rereading)
            throws IOException {
        this.offer = offer;
        this.settings = settings;
        this.sink = sink;
        this.progress = progress;
        final ResumableTarget target = ResumableTarget.open(offer, sink, progress, rereading);
        this.store = target.session();
        this.resumeFrom = target.position();
        this.pool = new BlockPool(offer.frameBytes(), settings.windowFrames() * 2 + 4);
        final @Nullable Source<Extent> stored = store.readBack().orElse(null);
        final @Nullable Replayer replayer = stored == null ? null : new Replayer(stored, pool, offer.frameBytes());
        this.feed = new Feed(resumeFrom, settings.windowFrames(), replayer != null, PATIENCE, GIVE_UP);
        this.writer = new StoreWriter(
                store,
                feed.storeCursor(resumeFrom),
                progress,
                target.digest(),
                offer.sizeBytes(),
                Verify.ofCode(offer.verify()),
                new FrameDecoder(pool),
                (size, watch) -> StoredDigest.of(stored, size, pool, watch));
        this.receiver = new DataReceiver(
                feed,
                pool,
                deadAfter(),
                GIVE_UP.plus(settings.serverWait()),
                SpliceStore.of(store),
                this::parentSilent);
        this.children = new ChildSenders(new Context(), feed, replayer, StoredBytes.of(stored));
    }

    /** What the senders to our children need of us. */
    private final class Context implements SessionContext {
        @Override
        public int self() {
            return offer.node();
        }

        @Override
        public String session() {
            return offer.session();
        }

        @Override
        public Transport transport() {
            return settings.transport();
        }

        @Override
        public void authenticateOut(final Link link) throws IOException {
            settings.guard().proveOut(link);
        }

        @Override
        public Duration heartbeat() {
            return Duration.ofMillis(offer.heartbeatMs());
        }

        @Override
        public Duration deadAfter() {
            return NodeSession.this.deadAfter();
        }

        @Override
        public void childLost(final int node, final boolean gone, final String reason) {
            tell(new ChildLost(node, gone, reason));
        }
    }

    private Duration deadAfter() {
        return Duration.ofMillis(offer.deadAfterMs());
    }

    Offer offer() {
        return offer;
    }

    /** Begins to receive, to store and to report. */
    void start() {
        RingThreads.start("ring-receive-" + offer.nodeName(), this::receive);
        RingThreads.start("ring-store-" + offer.nodeName(), this::store);
        RingThreads.start("ring-status-" + offer.nodeName(), this::reportStatus);
    }

    /** Takes over the data link of a parent. */
    void dataLink(final Wire wire, final DataHello hello) {
        receiver.offer(wire, hello);
    }

    private void receive() {
        try {
            receiver.run();
        } catch (final IOException e) {
            feed.fail(e);
        }
    }

    private void store() {
        Result outcome;
        try {
            stage = NodeStage.RECEIVING;
            final StoreWriter.Outcome written = writer.run(Duration.ofMillis(offer.heartbeatMs()));
            outcome = new Result(
                    true,
                    written.bytes(),
                    written.dataBytes(),
                    written.digest(),
                    written.committed() == Committed.ATOMIC,
                    -1,
                    null);
            stage = NodeStage.COMMITTED;
        } catch (final IOException | RuntimeException e) {
            LOG.debug("the copy failed", e);
            stage = NodeStage.FAILED;
            outcome =
                    new Result(false, writer.written(), 0, "", false, writer.written(), String.valueOf(e.getMessage()));
            feed.fail(e instanceof IOException io ? io : ReplicationException.fail("the copy failed", e));
            keepOrDiscard(e);
        }
        result = outcome;
        tell(outcome);
        if (!outcome.ok()) {
            finished.countDown();
        }
    }

    /** Keeps what a later run can go on with; what is wrong, or has no room, is of no use to anybody. */
    private void keepOrDiscard(final Exception cause) {
        final ReplicationException.Category category = ReplicationException.categoryOf(cause);
        try {
            if (category == ReplicationException.Category.CANCELLED
                    || category == ReplicationException.Category.RETRY) {
                writer.saveOnAbort();
            } else {
                progress.forget();
                store.discard();
            }
        } catch (final IOException e) {
            LOG.warn("after the failure: {}", e.getMessage());
        }
    }

    private void reportStatus() {
        try {
            while (!finished.await(offer.heartbeatMs(), TimeUnit.MILLISECONDS)) {
                tell(new Status(stage, feed.endPosition(), writer.written(), writer.durable()));
                settings.listener().progress(status());
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private NodeStatus status() {
        return new NodeStatus(
                offer.nodeName(), stage, offer.sizeBytes(), feed.endPosition(), writer.written(), writer.durable());
    }

    private void parentSilent(final int parent, final String reason) {
        tell(new ParentSilent(parent, reason));
    }

    private void tell(final ControlMessage message) {
        final @Nullable Wire wire = control;
        if (wire == null) {
            return;
        }
        try {
            wire.send(message);
        } catch (final IOException e) {
            LOG.debug("the server cannot be told: {}", e.getMessage());
            wire.close();
        }
    }

    /** Returns whether this session can go on for another server with what it has. */
    boolean canServe(final Offer other) {
        return isSameCopy(other)
                && other.frameBytes() == offer.frameBytes()
                && other.verify() == offer.verify()
                && isSound();
    }

    /** Returns whether another server wants the same copy from us. */
    boolean isSameCopy(final Offer other) {
        return other.image().equals(offer.image())
                && other.target().equals(offer.target())
                && other.sizeBytes() == offer.sizeBytes()
                && other.sizeBytes() != Unit.UNKNOWN;
    }

    /** Goes on for a server that was started again: what has come in is kept, only the links are new. */
    void adopt(final Offer other) {
        offer = other;
        done = null;
        children.reset();
        receiver.reset();
    }

    /**
     * Talks with the server until it says that all is done, or the link breaks.
     *
     * @return what the server said at the end.
     * @throws IOException when the link broke: the session goes on, and waits for the server to come back.
     */
    Done converse(final Wire wire) throws IOException {
        final @Nullable Wire former = control;
        if (former != null) {
            former.close();
        }
        wire.link().timeout(deadAfter());
        wire.send(new Accept(ControlMessage.VERSION, resumeFrom, feed.endPosition(), writer.durable(), offer.target()));
        // Only now: nobody may send anything else before the answer.
        control = wire;
        final @Nullable Result known = result;
        if (known != null) {
            wire.send(known);
        }
        while (true) {
            final ControlMessage message = wire.receiveControl();
            if (message instanceof Children c) {
                children.replace(c);
            } else if (message instanceof Done d) {
                done = d;
                finished.countDown();
                return d;
            }
        }
    }

    private boolean isSound() {
        final @Nullable Result end = result;
        return end == null || end.ok();
    }

    /** Returns the end of the work, or null while it goes on. */
    @Nullable
    Result result() {
        return result;
    }

    /** Returns what the server said at the end, or null when it has not. */
    @Nullable
    Done done() {
        return done;
    }

    /** Returns how much was there already when the session began. */
    long resumedFrom() {
        return resumeFrom;
    }

    /** Returns whether the session has failed for good or was told that all is done. */
    boolean awaitFinished(final Duration wait) throws InterruptedException {
        return finished.await(wait.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Ends everything; what is not committed is kept for the next run when there is a checkpoint. */
    @Override
    public void close() {
        finished.countDown();
        writer.stop();
        feed.fail(new ReplicationException(ReplicationException.Category.CANCELLED, "the session has ended"));
        receiver.close();
        children.close();
        final @Nullable Wire wire = control;
        if (wire != null) {
            wire.close();
        }
        awaitResult();
        try (sink) {
            store.close();
            progress.close();
        } catch (final IOException e) {
            LOG.warn("closing the target: {}", e.getMessage());
        }
        RingThreads.closePool(pool, "node " + offer.nodeName());
    }

    private void awaitResult() {
        final long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        RingThreads.waitUntil(() -> result != null, deadline);
    }
}
