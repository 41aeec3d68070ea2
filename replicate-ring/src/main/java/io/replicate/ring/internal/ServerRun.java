package io.replicate.ring.internal;

import io.replicate.core.block.BlockPool;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Transport;
import io.replicate.core.spi.Unit;
import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingListener;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.ChildLost;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.Offer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One run of a server: forms the ring, feeds it, heals it, and reports. */
public final class ServerRun implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final Duration GIVE_UP = Duration.ofMinutes(5);
    private static final Duration TICK = Duration.ofMillis(200);
    private static final Duration CLOSE_WAIT = Duration.ofSeconds(5);
    private static final int STUCK_FACTOR = 10;
    private static final int SOUGHT_FACTOR = 2;
    private static final int ONCE_ONLY_FRAMES = 128;
    private static final Duration ONCE_ONLY_HEARTBEAT = Duration.ofMillis(200);

    private final Source<Extent> source;
    private final Revision revision;
    private final ServerSettings settings;
    private final RingListener listener;
    private final String session = UUID.randomUUID().toString();
    private final BlockPool pool;
    private final Feed feed;
    private final ChildSenders senders;
    private final Coordinator coordinator;
    private final List<NodeHandle> handles = new ArrayList<>();
    private final Throttle throttle;
    private final Cancellation cancellation = new Cancellation();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final int window;
    private final Duration heartbeat;

    /** Keeps frames in the window; null where the source can be read again. */
    private final Feed.@Nullable Cursor hold;

    private volatile @Nullable Thread reader;
    private volatile @Nullable IOException sourceFailure;
    private volatile boolean fed;
    private volatile long formedAtNs;
    private volatile long endedAtNs;
    private volatile String digest = "";

    /**
     * Prepares a run.
     *
     * @param source of a volume; closed by the caller.
     * @param image names the source and its state, so that a node recognises an unfinished copy of the same.
     * @param target template of the locator that each node writes: {@code %n} is its name, {@code %i} its number from 1.
     */
    public ServerRun(
            final Source<Extent> source,
            final String image,
            final String target,
            final List<RingNodeAddress> addresses,
            final ServerSettings settings,
            final RingListener listener)
            throws IOException {
        this.source = source;
        this.revision = source.revision(); // here, as the nodes are offered this state and not a later one
        this.settings = settings;
        this.listener = listener;
        this.throttle =
                new Throttle(settings.rateBytesPerSecond() > 0 ? settings.rateBytesPerSecond() : Throttle.UNLIMITED);
        final boolean random = !source.geometry().sequential();
        // What cannot be read twice must be in memory for whoever loses its parent.
        this.window = random ? settings.windowFrames() : Math.max(settings.windowFrames(), ONCE_ONLY_FRAMES);
        this.heartbeat = random || settings.heartbeat().compareTo(ONCE_ONLY_HEARTBEAT) < 0
                ? settings.heartbeat()
                : ONCE_ONLY_HEARTBEAT;
        this.pool = new BlockPool(settings.frameBytes(), window * 2 + 8);
        final @Nullable Replayer replayer = random ? new Replayer(source, pool, settings.frameBytes()) : null;
        this.feed = new Feed(0, window, random, PATIENCE, GIVE_UP);
        this.hold = random ? null : feed.cursor(0, false);
        final Context context = new Context();
        this.senders = new ChildSenders(context, feed, replayer, StoredBytes.of(source));
        this.coordinator = new Coordinator(
                addresses,
                settings.fanout(),
                settings.streams(),
                settings.deadAfter().multipliedBy(STUCK_FACTOR),
                settings.deadAfter().multipliedBy(SOUGHT_FACTOR),
                System::nanoTime,
                new Tellers(),
                listener);
        final long dataBytes = dataBytes(source);
        for (int node = 0; node < addresses.size(); node++) {
            handles.add(new NodeHandle(
                    addresses.get(node),
                    offer(node, addresses.get(node), image, target, dataBytes),
                    context,
                    coordinator));
        }
    }

    /** Returns how much of the source is data, where its plan tells without reading it. */
    private static long dataBytes(final Source<Extent> source) throws IOException {
        if (source.geometry().sequential()) {
            return Unit.UNKNOWN;
        }
        long bytes = 0;
        try (Plan<Extent> plan = source.plan(Selection.ALL)) {
            for (@Nullable Extent extent = plan.next(); extent != null; extent = plan.next()) {
                bytes += extent.hasData() ? extent.length() : 0;
            }
        }
        return bytes;
    }

    private Offer offer(
            final int node,
            final RingNodeAddress address,
            final String image,
            final String target,
            final long dataBytes) {
        final Geometry geometry = source.geometry();
        return new Offer(
                ControlMessage.VERSION,
                session,
                node,
                address.name(),
                geometry.sizeBytes(),
                dataBytes,
                geometry.device(),
                settings.force(),
                target.replace("%n", address.name()).replace("%i", Integer.toString(node + 1)),
                image,
                settings.verify().code(),
                settings.frameBytes(),
                (int) heartbeat.toMillis(),
                (int) settings.deadAfter().toMillis());
    }

    private final class Context implements SessionContext {
        @Override
        public int self() {
            return SERVER;
        }

        @Override
        public String session() {
            return session;
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
            return heartbeat;
        }

        @Override
        public Duration deadAfter() {
            return settings.deadAfter();
        }

        @Override
        public void childLost(final int node, final boolean gone, final String reason) {
            coordinator.childLost(SERVER, new ChildLost(node, gone, reason));
        }
    }

    private final class Tellers implements Coordinator.Tellers {
        @Override
        public void tell(final int node, final ControlMessage message) {
            handles.get(node).tell(message);
        }

        @Override
        public void feed(final Children children) {
            senders.replace(children);
        }
    }

    /**
     * Runs the ring to its end.
     *
     * @return a report of every node; the copies are equal where the state is DONE.
     * @throws ReplicationException RETRY when no node is there, or the failure of the source.
     */
    public List<NodeReport> run() throws IOException {
        try {
            handles.forEach(
                    handle -> RingThreads.start("ring-node-" + handle.address().name(), handle));
            final Feed.@Nullable Cursor held = hold;
            if (held != null) {
                RingThreads.start("ring-hold", () -> letGo(held));
            }
            final int ready = coordinator.form(settings.maxWait());
            if (ready == 0) {
                return end("no node was ready");
            }
            formedAtNs = System.nanoTime();
            listener.event("ring of " + ready + " formed");
            reader = RingThreads.start("ring-source", this::feedSource);
            awaitEnd();
            awaitDigest();
            final @Nullable IOException failure = sourceFailure;
            return end(failure == null ? null : String.valueOf(failure.getMessage()));
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        } catch (final IOException e) {
            coordinator.dismiss(String.valueOf(e.getMessage()));
            throw e;
        } finally {
            close();
        }
    }

    /** Waits until all are done, and then for a while for those that are away. */
    private void awaitEnd() throws InterruptedException, IOException {
        long idleSince = 0;
        while (true) {
            final boolean ended = coordinator.awaitEnd(TICK);
            cancellation.check();
            if (!ended) {
                idleSince = 0;
                continue;
            }
            if (settings.linger().isZero() || sourceFailure != null || !coordinator.anyAway()) {
                return;
            }
            final long now = System.nanoTime();
            if (idleSince == 0) {
                idleSince = now;
                listener.event("waiting " + settings.linger().toSeconds() + " s for the nodes that are away");
            }
            if (now - idleSince > settings.linger().toNanos() || closed.await(TICK.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        }
    }

    /** Waits for the source's digest: nodes that had their copy from an earlier run may be done before it is read. */
    private void awaitDigest() throws InterruptedException, IOException {
        final @Nullable Thread reading = reader;
        while (reading != null
                && settings.verify() != Verify.NONE
                && reading.isAlive()
                && coordinator.reports().stream().anyMatch(node -> node.state() == NodeState.DONE)) {
            reading.join(TICK.toMillis());
            cancellation.check();
        }
    }

    private List<NodeReport> end(final @Nullable String failure) throws IOException {
        endedAtNs = System.nanoTime();
        if (failure == null && fed) {
            coordinator.compare(feed.endPosition(), digest);
        }
        final List<NodeReport> reports = coordinator.reports();
        coordinator.dismiss(failure);
        final @Nullable IOException cause = sourceFailure;
        if (cause != null) {
            throw cause;
        }
        return reports;
    }

    private void feedSource() {
        try {
            new SourceFeeder(source, revision, feed, pool, settings, throttle, cancellation).run(hex -> digest = hex);
            fed = true;
        } catch (final IOException e) {
            sourceFailure = e;
            coordinator.abort();
            feed.fail(e);
        }
    }

    /** Lets the window go on behind what the nodes have that we may have to feed. */
    private void letGo(final Feed.Cursor held) {
        try {
            while (!closed.await(heartbeat.toMillis(), TimeUnit.MILLISECONDS)) {
                final long received = coordinator.receivedNearby();
                if (received != Long.MAX_VALUE && received > held.position()) {
                    held.seek(received);
                }
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns a report of each node now. */
    public List<NodeReport> reports() {
        return coordinator.reports();
    }

    /** Returns how far the source has been read. */
    public long position() {
        return feed.endPosition();
    }

    /** Returns whether the source has been read to its end. */
    public boolean isFed() {
        return fed;
    }

    /** Returns the digest of the source in hexadecimal; empty before its end, and when nothing is verified. */
    public String digest() {
        return digest;
    }

    /** Returns how long the ring has run since it was formed. */
    public Duration elapsed() {
        final long begin = formedAtNs;
        final long end = endedAtNs;
        return begin == 0 ? Duration.ZERO : Duration.ofNanos((end == 0 ? System.nanoTime() : end) - begin);
    }

    /** Changes the rate while the ring runs. */
    public void rateBytesPerSecond(final long rate) {
        throttle.rateBytesPerSecond(rate);
    }

    /** Asks the run to stop; the nodes keep what is durable for the next run. */
    public void cancel() {
        cancellation.cancel();
    }

    @Override
    public void close() {
        closed.countDown();
        cancellation.cancel();
        feed.fail(new ReplicationException(ReplicationException.Category.CANCELLED, "the run has ended"));
        handles.forEach(NodeHandle::finish);
        final long deadline = System.nanoTime() + settings.deadAfter().toNanos();
        handles.forEach(handle -> handle.close(Duration.ofNanos(Math.max(1_000_000, deadline - System.nanoTime()))));
        senders.close();
        final @Nullable Thread reading = reader;
        if (reading != null) {
            ChildSender.join(reading, CLOSE_WAIT); // the caller closes the source next
        }
        RingThreads.closePool(pool, "server");
    }
}
