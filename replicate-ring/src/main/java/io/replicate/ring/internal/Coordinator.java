package io.replicate.ring.internal;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingListener;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Child;
import io.replicate.ring.internal.ControlMessage.ChildLost;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.ParentSilent;
import io.replicate.ring.internal.ControlMessage.Refuse;
import io.replicate.ring.internal.ControlMessage.Result;
import io.replicate.ring.internal.ControlMessage.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The server's picture of its ring, and the only writer of it: which node is in what state, who feeds whom, and when it
 * is over. Thread-safe.
 */
final class Coordinator implements NodeHandle.Events {
    /** A node whose copy has failed so often is not let in again. */
    private static final int MAX_FAILURES = 3;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<NodeRecord> nodes = new ArrayList<>();
    private final Topology topology;
    private final int streams;
    private final RingListener listener;
    private final Tellers tellers;
    private final long stuckLimitNs;
    private final long soughtLimitNs;
    private final LongSupplier clock;
    private int epoch;
    private boolean formed;
    private boolean aborted;
    private boolean over;

    /** How the coordinator reaches the nodes and the server's own senders. */
    interface Tellers {
        /** Sends a message to a node; never throws. */
        void tell(int node, ControlMessage message);

        /** Sets whom the server itself feeds. */
        void feed(Children children);
    }

    /**
     * Creates the picture.
     *
     * @param stuckLimit after how long a node is given up that answers, but that nobody can feed.
     * @param soughtLimit how long the end may wait for the first attempt to reach a lost node again: whoever was only held
     *     up, or the server itself that was, goes on.
     * @param clock in nanoseconds.
     */
    Coordinator(
            final List<RingNodeAddress> addresses,
            final int fanout,
            final int streams,
            final Duration stuckLimit,
            final Duration soughtLimit,
            final LongSupplier clock,
            final Tellers tellers,
            final RingListener listener) {
        this.topology = new Topology(addresses.size(), fanout);
        this.streams = streams;
        this.stuckLimitNs = stuckLimit.toNanos();
        this.soughtLimitNs = soughtLimit.toNanos();
        this.clock = clock;
        this.tellers = tellers;
        this.listener = listener;
        addresses.forEach(address -> nodes.add(new NodeRecord(address)));
    }

    @Override
    public void accepted(final int node, final Accept accept) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            if (record.failures() >= MAX_FAILURES) {
                tellers.tell(node, new Done(false, "failed " + MAX_FAILURES + " times: " + record.reasonText()));
                return;
            }
            final @Nullable Result copy = record.state() == NodeState.DONE ? record.result() : null;
            if (copy != null && accept.position() >= copy.bytes()) {
                publish(Set.of(node));
                return;
            }
            record.accepted(accept);
            if (formed) {
                state(record, NodeState.ACTIVE, "joins the running ring" + resumeText(accept));
                final Set<Integer> touched = new HashSet<>();
                if (!topology.contains(node)) {
                    touched.add(topology.add(node));
                }
                touched.add(node);
                publish(touched);
            } else {
                state(record, NodeState.READY, "has accepted" + resumeText(accept));
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static String resumeText(final Accept accept) {
        return accept.position() > 0 ? ", goes on at offset " + accept.position() : "";
    }

    @Override
    public void refused(final int node, final Refuse refuse) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            record.asked();
            record.reason(refuse.reason());
            state(record, refuse.permanent() ? NodeState.FAILED : NodeState.CONNECTING, refuse.reason());
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void said(final int node, final ControlMessage message) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            if (message instanceof Status status) {
                record.progress(status.received(), status.written(), status.durable());
            } else if (message instanceof Result result) {
                finished(node, record, result);
            } else if (message instanceof ChildLost childLost) {
                childLost(node, childLost);
            } else if (message instanceof ParentSilent silent) {
                parentSilent(node, silent);
            }
        } finally {
            lock.unlock();
        }
    }

    private void finished(final int node, final NodeRecord record, final Result result) {
        record.result(result);
        if (result.ok()) {
            state(record, NodeState.DONE, "has its copy");
        } else {
            giveUp(node, String.valueOf(result.reason()));
        }
        changed.signalAll();
    }

    /** Ends a node's part; the same command on it may begin again. */
    private void giveUp(final int node, final String reason) {
        final NodeRecord record = nodes.get(node);
        record.reason(reason);
        record.failed();
        state(record, NodeState.FAILED, reason);
        bypass(node);
        tellers.tell(node, new Done(false, reason));
        changed.signalAll();
    }

    /** A parent, or the server itself, cannot feed a node. */
    void childLost(final int parent, final ChildLost lost) {
        lock.lock();
        try {
            final int child = lost.node();
            if (isEnding()
                    || child < 0
                    || child >= nodes.size()
                    || topology.parent(child) != parent
                    || nodes.get(child).state() != NodeState.ACTIVE) {
                return;
            }
            final NodeRecord record = nodes.get(child);
            listener.event(nameOf(parent) + " cannot feed " + record.name() + ": " + lost.reason());
            record.notFedBy(parent, lost.gone(), clock.getAsLong());
            reparent(child, lost.reason());
        } finally {
            lock.unlock();
        }
    }

    private void parentSilent(final int node, final ParentSilent silent) {
        final NodeRecord record = nodes.get(node);
        if (!isEnding()
                && topology.contains(node)
                && topology.parent(node) == silent.parent()
                && record.state() == NodeState.ACTIVE) {
            listener.event(record.name() + " hears nothing from " + nameOf(silent.parent()) + ": " + silent.reason());
            record.notFedBy(silent.parent(), false, clock.getAsLong());
            reparent(node, silent.reason());
        }
    }

    /** Then links break because we break them. */
    private boolean isEnding() {
        return aborted || over;
    }

    /** Lets somebody else feed a node: its ancestors first, then whoever is there, in rounds. */
    private void reparent(final int node, final String reason) {
        final NodeRecord record = nodes.get(node);
        final int before = topology.parent(node);
        int after = topology.moveUp(node, record.inVain());
        if (after == Topology.NOWHERE) {
            record.nextRound();
            final boolean tooLong = record.stuckNs(clock.getAsLong()) > stuckLimitNs;
            after = tooLong ? Topology.NOWHERE : topology.moveUp(node, record.inVain());
            if (after == Topology.NOWHERE && (tooLong || record.inVain().contains(before))) {
                giveUp(node, "nobody can feed it: " + reason);
                return;
            }
        }
        if (after != Topology.NOWHERE) {
            listener.event(nameOf(after) + " feeds " + record.name() + " now");
            publish(Set.of(before, after));
        }
    }

    @Override
    public void lost(final int node, final String reason) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            record.asked();
            if (record.state() == NodeState.CONNECTING) {
                record.reason(reason);
                changed.signalAll();
            } else if (record.state() == NodeState.READY || record.state() == NodeState.ACTIVE) {
                record.reason(reason);
                record.lost(clock.getAsLong());
                state(record, NodeState.LOST, reason);
                bypass(node);
                changed.signalAll();
            } else if (record.state() == NodeState.LOST) {
                record.missed();
                changed.signalAll();
            } else if (record.state() == NodeState.DONE) {
                bypass(node);
            }
        } finally {
            lock.unlock();
        }
    }

    private void bypass(final int node) {
        if (over || !topology.contains(node)) {
            return;
        }
        final int heir = topology.remove(node);
        listener.event("bypassing " + nodes.get(node).name() + ": " + nameOf(heir) + " feeds its children");
        publish(Set.of(heir));
    }

    private void publish(final Set<Integer> parents) {
        epoch++;
        for (final int parent : parents) {
            if (parent == Topology.NOWHERE) {
                continue;
            }
            final List<Child> children = new ArrayList<>();
            for (final int child : topology.children(parent)) {
                children.add(new Child(
                        child,
                        nodes.get(child).name(),
                        streams,
                        nodes.get(child).address().addresses()));
            }
            final Children message = new Children(epoch, children);
            if (parent == SessionContext.SERVER) {
                tellers.feed(message);
            } else {
                tellers.tell(parent, message);
            }
        }
    }

    private void state(final NodeRecord record, final NodeState next, final String why) {
        if (record.state() != next) {
            record.state(next);
            listener.nodeChanged(record.report(), why);
        }
    }

    private String nameOf(final int node) {
        return node == SessionContext.SERVER ? "the server" : nodes.get(node).name();
    }

    /**
     * Waits until all nodes are ready or failed, or {@code maxWait} is over and every node was asked once, and forms the
     * ring of those that are ready.
     *
     * @return how many there are.
     */
    int form(final Duration maxWait) throws InterruptedException {
        final long began = System.nanoTime();
        lock.lock();
        try {
            while (!aborted && anyIn(NodeState.CONNECTING, NodeState.LOST)) {
                final boolean all = nodes.stream().allMatch(NodeRecord::isAsked);
                final long wait = all ? maxWait.toNanos() : Math.max(maxWait.toNanos(), soughtLimitNs);
                if (changed.awaitNanos(wait - (System.nanoTime() - began)) <= 0) {
                    break;
                }
            }
            final List<Integer> ready = new ArrayList<>();
            for (int node = 0; node < nodes.size(); node++) {
                if (nodes.get(node).state() == NodeState.READY) {
                    ready.add(node);
                }
            }
            formed = true;
            topology.form(ready);
            for (final int node : ready) {
                state(nodes.get(node), NodeState.ACTIVE, "is fed by " + nameOf(topology.parent(node)));
            }
            final Set<Integer> parents = new HashSet<>(ready);
            parents.add(SessionContext.SERVER);
            publish(parents);
            return ready.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns up to where all nodes have received that a source which cannot be read twice must still be able to serve:
     * those that the server feeds, and those behind them, which it will feed when one of the first falls away.
     */
    long receivedNearby() {
        lock.lock();
        try {
            long least = Long.MAX_VALUE;
            for (int node = 0; node < nodes.size(); node++) {
                if (topology.contains(node) && topology.depth(node) <= 2) {
                    least = Math.min(least, nodes.get(node).received());
                }
            }
            return least;
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether a node is away that may come back. */
    boolean anyAway() {
        lock.lock();
        try {
            return anyIn(NodeState.LOST, NodeState.CONNECTING);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Declares copies failed that are not the source's: the last look before anybody says that they are equal.
     *
     * @param bytes of the source.
     * @param digest of the source, empty when nothing is verified; a node that says none has proven nothing.
     */
    void compare(final long bytes, final String digest) {
        lock.lock();
        try {
            for (final NodeRecord record : nodes) {
                final @Nullable Result result = record.result();
                if (record.state() != NodeState.DONE || result == null) {
                    continue;
                }
                if (result.bytes() != bytes) {
                    record.reason("it has " + result.bytes() + " bytes, the source " + bytes);
                    state(record, NodeState.FAILED, record.reasonText());
                } else if (!digest.isEmpty() && !digest.equals(result.digest())) {
                    record.reason("its digest is " + (result.digest().isEmpty() ? "missing" : result.digest())
                            + ", the source's is " + digest);
                    state(record, NodeState.FAILED, record.reasonText());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean anyIn(final NodeState... states) {
        final Set<NodeState> wanted = Set.of(states);
        return nodes.stream().anyMatch(node -> wanted.contains(node.state()));
    }

    /** Waits, for at most {@code wait}, until no node is at work any more; returns whether that is so. */
    @SuppressWarnings("WaitNotInLoop") // the caller loops, and a false alarm does no harm
    boolean awaitEnd(final Duration wait) throws InterruptedException {
        lock.lock();
        try {
            if (!aborted && isAtWork()) {
                changed.await(wait.toNanos(), TimeUnit.NANOSECONDS);
            }
            return aborted || !isAtWork();
        } finally {
            lock.unlock();
        }
    }

    private boolean isAtWork() {
        final long now = clock.getAsLong();
        return anyIn(NodeState.ACTIVE, NodeState.READY)
                || nodes.stream().anyMatch(node -> node.isSought(now, soughtLimitNs));
    }

    /** Ends the waiting. */
    void abort() {
        lock.lock();
        try {
            aborted = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Tells every node that it is over. */
    void dismiss(final @Nullable String failure) {
        lock.lock();
        try {
            over = true;
            for (int node = 0; node < nodes.size(); node++) {
                final boolean ok = failure == null && nodes.get(node).state() == NodeState.DONE;
                final String text = ok
                        ? "all done"
                        : failure != null ? failure : nodes.get(node).reasonText();
                tellers.tell(node, new Done(ok, text));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns a report of each node, in the order of the command line. */
    List<NodeReport> reports() {
        lock.lock();
        try {
            return nodes.stream().map(NodeRecord::report).toList();
        } finally {
            lock.unlock();
        }
    }
}
