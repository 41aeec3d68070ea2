package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.net.Links;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One copy at a client. Three kinds of threads: this one receives, one stores, and one sends to each child, all from the
 * same blocks; one more listens to the parent. The end is where the announced length is reached, whenever the
 * announcement comes.
 */
final class ClientRun implements Parent.Events {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int BLOCKS_PER_READER = 10;
    private static final Duration TICK = Duration.ofMillis(200);

    private final Admission admission;
    private final Door door;
    private final Sockets sockets;
    private final DollyOptions options;
    private final Parent parent;
    private @Nullable DataIn data;
    private @Nullable Outflow outflow;
    private @Nullable IOException failure;
    private boolean forwarding;
    private boolean endForwarded;

    /** Held until the end mark is on its way: nothing that belongs behind it may overtake it. */
    private final Object endOrder = new Object();

    private boolean complete;
    private boolean finished;
    private long received;
    private long total = -1;

    ClientRun(final Admission admission, final Door door, final Sockets sockets, final DollyOptions options) {
        this.admission = admission;
        this.door = door;
        this.sockets = sockets;
        this.options = options;
        this.parent = new Parent(
                admission.control(), options.password() == null ? null : Password.of(options.password()), this);
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
            final IOException cause = rootCause(e);
            if (!name.isEmpty()) {
                parent.relay(DollyNode.failed(name, String.valueOf(cause.getMessage()))
                        .toLine());
            }
            throw cause;
        } finally {
            synchronized (this) {
                finished = true;
            }
            admission.control().close();
        }
    }

    private synchronized IOException rootCause(final IOException e) {
        final @Nullable String refusal = parent.refusal();
        if (refusal != null) {
            return ReplicationException.fail(refusal, e);
        }
        return failure == null ? e : failure;
    }

    private void describe(final DollyConfig config, final int me) {
        final DollyListener listener = options.listener();
        listener.verbose(config.hosts().get(me) + " is number " + me);
        Narration.parameters(config, me, config.hosts().get(me), options).forEach(listener::verbose);
    }

    private DollyReport run(final DollyConfig config, final int me, final String name) throws IOException {
        final Outflow.Plan plan =
                new Outflow.Plan(config, admission.config(), admission.dialect(), admission.directory(), me, options);
        try (DataIn in = new DataIn(door.data(admission, config.add().links()), options.blockBytes());
                Outflow out = new Outflow(plan, sockets, parent::relay)) {
            synchronized (this) {
                data = in;
                outflow = out;
            }
            options.listener().verbose("Connected data...done.");
            parent.configured(admission.dialect().configured(name), options.extended());
            if (options.mutual() && options.password() != null && !parent.awaitExtended(options.startWait())) {
                throw ReplicationException.fail(
                        admission.control().peer() + " has not proven the password (-P), and --mutual asks for it",
                        null);
            }
            try (StreamTarget target = Targets.open(admission, config, options)) {
                out.connect(parent::isExtended);
                parent.ready(admission.dialect().ready(name));
                forwardEnd(true);
                options.listener().verbose("Accepted.");
                options.listener().verbose("Receiving...");
                return copy(config, name, in, out, target);
            }
        }
    }

    private DollyReport copy(
            final DollyConfig config, final String name, final DataIn in, final Outflow out, final StreamTarget target)
            throws IOException {
        final long beginNs = System.nanoTime();
        final Store store = new Store(target);
        try {
            receive(in, out, store, config);
            forwardEnd(false);
            parent.busy();
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
        } finally {
            store.close();
        }
    }

    private void receive(final DataIn in, final Outflow out, final Store store, final DollyConfig config)
            throws IOException {
        final int readers = config.topology().fanout() + 1;
        in.timeout(options.startWait().multipliedBy(2));
        try (BlockPool pool = new BlockPool(BLOCK_BYTES, BLOCKS_PER_READER * readers + 4)) {
            while (!isComplete()) {
                final Block block = pool.take();
                try {
                    final ByteBuffer space = block.space();
                    final int n = receive(in, space);
                    if (n < 0) {
                        await();
                        continue;
                    }
                    if (received == 0) {
                        in.timeout(options.idleWait());
                    }
                    block.length(n);
                    final Extent extent = Extent.data(received, n);
                    out.offer(extent, block);
                    store.offer(extent, block);
                    if (store.failure() != null && !out.isAlive()) {
                        throw store.failure();
                    }
                    arrived(n);
                } finally {
                    block.release();
                }
                options.listener().moved(false, received);
            }
        }
    }

    /** Receives at least one byte; -1 when there is nothing more to receive. */
    private int receive(final DataIn in, final ByteBuffer space) throws IOException {
        while (true) {
            final int n;
            try {
                n = in.receive(space);
            } catch (final IOException e) {
                if (isComplete()) {
                    return -1;
                }
                rethrow();
                if (!Links.isTimeout(e)) {
                    throw e;
                }
                if (parent.heardWithin(options.idleWait())) {
                    continue;
                }
                throw ReplicationException.fail(
                        "no data for "
                                + (received == 0 ? options.startWait().multipliedBy(2) : options.idleWait()).toSeconds()
                                + " s from " + admission.control().peer(),
                        e);
            }
            if (n >= 0 || received > 0 || isComplete() || !nextConnection(in)) {
                return n;
            }
        }
    }

    /** An empty connection may be what a dead server had left in the queue: the right one is behind it. */
    private boolean nextConnection(final DataIn in) throws IOException {
        final Deadline deadline = Deadline.in(options.idleWait());
        while (!isComplete() && !deadline.passed()) {
            rethrow();
            final @Nullable Link next = door.nextData(TICK);
            if (next != null) {
                next.timeout(options.startWait().multipliedBy(2));
                in.replace(next);
                return true;
            }
        }
        return false;
    }

    /** The data has ended, and only the control connection tells whether that is all. */
    private void await() throws IOException {
        final long announced = parent.awaitTotal(options.idleWait());
        if (announced < 0) {
            rethrow();
            throw ReplicationException.fail(
                    "the data ended after " + received + " bytes, and "
                            + admission.control().peer() + " has not said whether that is all",
                    null);
        }
        // the parent's thread may know the total already and not have told us yet
        takeTotal(announced);
        if (!isComplete()) {
            rethrow();
            throw ReplicationException.fail("the data ended after " + received + " bytes of " + announced, null);
        }
    }

    private synchronized void takeTotal(final long announced) throws IOException {
        total = announced;
        checkLength();
    }

    private synchronized void arrived(final int bytes) throws IOException {
        received += bytes;
        checkLength();
    }

    private void checkLength() throws IOException {
        if (total >= 0 && received > total) {
            throw ReplicationException.corrupt(
                    admission.control().peer() + " has sent " + received + " bytes instead of " + total);
        }
        complete = total >= 0 && received == total;
    }

    private synchronized boolean isComplete() throws IOException {
        if (!complete) {
            rethrow();
        }
        return complete;
    }

    private synchronized void rethrow() throws IOException {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void end(final long bytes) {
        synchronized (this) {
            total = bytes;
            options.listener()
                    .verbose("Max. bytes will be " + bytes + " bytes. " + (bytes - received) + " bytes left.");
            try {
                checkLength();
            } catch (final IOException e) {
                failure = e;
            }
            if ((complete || failure != null) && data != null) {
                data.close(); // wakes the thread that waits for data
            }
        }
        forwardEnd(false);
    }

    /** Forwards the end mark as soon as it is known and there is somebody to tell. */
    private void forwardEnd(final boolean connected) {
        synchronized (endOrder) {
            final @Nullable Outflow out;
            synchronized (this) {
                forwarding |= connected;
                if (!forwarding || endForwarded || total < 0) {
                    return;
                }
                endForwarded = true;
                out = outflow;
            }
            if (out != null) {
                out.end(total);
            }
        }
    }

    @Override
    public synchronized void failed(final IOException cause) {
        if (finished || complete) {
            return;
        }
        if (total >= 0 && !parent.isExtended()) {
            return; // an old parent may leave behind the end mark: the data tells
        }
        if (failure == null) {
            failure = cause;
        }
        if (data != null) {
            data.close();
        }
    }

    void stop() {
        synchronized (this) {
            if (!finished && failure == null) {
                failure = new ReplicationException(ReplicationException.Category.CANCELLED, "stopped");
            }
            if (data != null) {
                data.close();
            }
        }
        Threads.closeQuietly(admission.control());
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
            return ReplicationException.fail(admission.control().peer() + " has not sent the digest", null);
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
            parent.awaitGone(Duration.ofSeconds(2));
        } else if (all.stream().allMatch(DollyNode::ok)) {
            parent.acknowledge(received);
        }
        if (lost != null) {
            synchronized (this) {
                failure = lost;
            }
            throw lost;
        }
        options.listener().verbose("Transmitted.");
        return new DollyReport(Targets.nameOf(config, options), received, digest, elapsed, behind);
    }
}
