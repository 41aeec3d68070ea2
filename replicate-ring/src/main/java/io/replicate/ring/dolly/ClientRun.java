package io.replicate.ring.dolly;

import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One copy at a client. Three kinds of threads: this one receives, one stores, and one sends to each child, all the same
 * pieces; one more listens to the parent. The end is where the announced length is reached, whenever the announcement
 * comes. When a parent of ours is lost, the copy waits for another to take its place, and goes on.
 */
final class ClientRun {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int BLOCKS_PER_READER = 10;

    private final Admission admission;
    private final Door door;
    private final Sockets sockets;
    private final DollyOptions options;
    private final Parent parent;
    private final Arrival arrival;

    ClientRun(final Admission admission, final Door door, final Sockets sockets, final DollyOptions options) {
        this.admission = admission;
        this.door = door;
        this.sockets = sockets;
        this.options = options;
        this.arrival = new Arrival(options);
        this.parent = new Parent(
                admission.control(),
                options.password() == null ? null : Password.of(options.password()),
                options,
                arrival);
        arrival.of(parent);
    }

    DollyReport run() throws IOException {
        String name = "";
        try {
            final DollyConfig config = DollyConfig.parse(
                    "configuration from " + admission.control().peer(),
                    admission.config().bytes(),
                    admission.dialect());
            final int me = NodeName.find(config, options);
            name = config.hosts().get(me);
            describe(config, me);
            return run(config, me, name);
        } catch (final IOException e) {
            final IOException cause = arrival.rootCause(e);
            if (!name.isEmpty()) {
                parent.relay(DollyNode.failed(name, String.valueOf(cause.getMessage()))
                        .toLine());
            }
            throw cause;
        } finally {
            arrival.finish();
            parent.close();
        }
    }

    private void describe(final DollyConfig config, final int me) {
        final DollyListener listener = options.listener();
        listener.verbose(config.hosts().get(me) + " is number " + me);
        Narration.parameters(config, me, config.hosts().get(me), options).forEach(listener::verbose);
    }

    private DollyReport run(final DollyConfig config, final int me, final String name) throws IOException {
        final Outflow.Plan plan =
                new Outflow.Plan(config, admission.config(), admission.dialect(), admission.directory(), me, options);
        final int readers = config.topology().fanout() + 1;
        final Link[] links = door.data(admission, config.add().links());
        try (BlockPool pool = new BlockPool(BLOCK_BYTES, BLOCKS_PER_READER * readers + 4);
                Outflow out = new Outflow(plan, sockets, parent::relay, () -> !parent.isGone())) {
            arrival.outflow(out);
            options.listener().verbose("Connected data...done.");
            parent.configured(name, admission.dialect().configured(name), options.extended());
            if (options.mutual() && options.password() != null && !parent.awaitExtended(options.startWait())) {
                throw ReplicationException.fail(
                        admission.control().peer() + " has not proven the password (-P), and --mutual asks for it",
                        null);
            }
            try (StreamTarget target = Targets.open(admission, config, options);
                    Inflow in = new Inflow(
                            door,
                            parent,
                            options,
                            links,
                            pool,
                            target.spliceTarget().orElse(null),
                            arrival)) {
                arrival.inflow(in);
                door.watch((control, line) -> arrival.request(control, line, door));
                out.connect(parent::isExtended);
                in.distrustEarly();
                parent.ready(admission.dialect().ready(name));
                arrival.connected();
                options.listener().verbose("Accepted.");
                options.listener().verbose("Receiving...");
                return copy(config, name, in, out, target);
            }
        } finally {
            for (final Link link : links) {
                Threads.closeQuietly(link);
            }
        }
    }

    private DollyReport copy(
            final DollyConfig config, final String name, final Inflow in, final Outflow out, final StreamTarget target)
            throws IOException {
        final long beginNs = System.nanoTime();
        try (Store store = new Store(target, options.idleWait())) {
            out.history(store);
            receive(in, out, store);
            final String digest = store.finish();
            out.sum(digest);
            out.drain(false);
            final @Nullable IOException lost = prove(store, digest);
            if (lost == null) {
                target.commit();
                options.listener().verbose("Synced.");
            }
            out.awaitAcknowledgements(options.finishWait());
            final Duration elapsed = Duration.ofNanos(Math.max(1, System.nanoTime() - beginNs));
            return report(config, name, digest, elapsed, out.results(), lost);
        }
    }

    private void receive(final Inflow in, final Outflow out, final Store store) throws IOException {
        while (!arrival.isComplete()) {
            final @Nullable Piece piece;
            try {
                piece = in.next(arrival.received());
            } catch (final IOException e) {
                if (!arrival.isComplete()) {
                    in.replace(arrival.awaitTakeover(e));
                }
                continue;
            }
            if (piece == null) {
                arrival.awaitAll();
                continue;
            }
            try {
                out.offer(piece);
                store.offer(piece);
                if (store.failure() != null && !out.isAlive()) {
                    throw store.failure();
                }
                arrival.arrived(piece.length());
            } finally {
                piece.release();
            }
            options.listener().moved(false, piece.end());
        }
        arrival.connected();
    }

    void stop() {
        arrival.stop();
        parent.close();
    }

    /** Returns why this copy must not be committed, or null. */
    private @Nullable IOException prove(final Store store, final String digest) throws IOException {
        if (store.failure() != null) {
            return store.failure();
        }
        if (!parent.isExtended()) {
            return null;
        }
        final @Nullable String sum = parent.awaitSum(options.idleWait());
        if (sum == null) {
            return ReplicationException.fail(parent.peer() + " has not sent the digest", null);
        }
        return sum.equals(digest)
                ? null
                : ReplicationException.corrupt("what came has digest " + digest + ", the source has " + sum);
    }

    private DollyReport report(
            final DollyConfig config,
            final String name,
            final String digest,
            final Duration elapsed,
            final List<DollyNode> behind,
            final @Nullable IOException lost)
            throws IOException {
        final long received = arrival.received();
        final List<DollyNode> all = new ArrayList<>();
        if (lost == null) {
            final DollyNode.State state = parent.isExtended() ? DollyNode.State.PROVEN : DollyNode.State.ACKNOWLEDGED;
            all.add(new DollyNode(name, state, received, digest, ""));
        } else {
            all.add(DollyNode.failed(name, String.valueOf(lost.getMessage())));
        }
        all.addAll(behind);
        if (parent.isExtended()) {
            parent.report(all);
        } else if (all.stream().allMatch(DollyNode::ok)) {
            parent.acknowledge(received);
        }
        if (lost != null) {
            arrival.fail(lost);
            throw lost;
        }
        options.listener().verbose("Transmitted.");
        return new DollyReport(Targets.nameOf(config, options), received, digest, elapsed, behind);
    }
}
