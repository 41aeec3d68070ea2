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
import org.jspecify.annotations.Nullable;

/**
 * The server's picture of its ring, and the only writer of it: which node is in what state, who feeds whom, and when it
 * is over. Thread-safe.
 */
final class Coordinator implements NodeHandle.Events {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<NodeRecord> nodes = new ArrayList<>();
    private final Topology topology;
    private final int streams;
    private final RingListener listener;
    private final Tellers tellers;
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

    Coordinator(
            final List<RingNodeAddress> addresses,
            final int fanout,
            final int streams,
            final Tellers tellers,
            final RingListener listener) {
        this.topology = new Topology(addresses.size(), fanout);
        this.streams = streams;
        this.tellers = tellers;
        this.listener = listener;
        addresses.forEach(address -> nodes.add(new NodeRecord(address)));
    }

    @Override
    public void accepted(final int node, final Accept accept) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            record.accepted(accept.resumeFrom(), accept.durable());
            if (!formed) {
                state(record, NodeState.READY, "has accepted" + resumeText(accept));
            } else if (record.state() != NodeState.DONE) {
                state(record, NodeState.ACTIVE, "joins the running ring" + resumeText(accept));
                final Set<Integer> touched = new HashSet<>();
                if (!topology.contains(node)) {
                    touched.add(topology.add(node));
                }
                touched.add(node);
                publish(touched);
            } else {
                publish(Set.of(node));
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static String resumeText(final Accept accept) {
        return accept.resumeFrom() > 0 ? ", goes on at offset " + accept.resumeFrom() : "";
    }

    @Override
    public void refused(final int node, final Refuse refuse) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
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
            record.reason(String.valueOf(result.reason()));
            state(record, NodeState.FAILED, String.valueOf(result.reason()));
            bypass(node);
        }
        changed.signalAll();
    }

    /** A parent, or the server itself, cannot feed a node. */
    void childLost(final int parent, final ChildLost lost) {
        lock.lock();
        try {
            final int child = lost.node();
            if (child < 0 || child >= nodes.size() || topology.parent(child) != parent) {
                return;
            }
            final NodeRecord record = nodes.get(child);
            listener.event(nameOf(parent) + " cannot reach " + record.name() + ": " + lost.reason());
            reparent(child);
        } finally {
            lock.unlock();
        }
    }

    private void parentSilent(final int node, final ParentSilent silent) {
        if (topology.parent(node) == silent.parent() && silent.parent() != SessionContext.SERVER) {
            listener.event(
                    nodes.get(node).name() + " hears nothing from " + nameOf(silent.parent()) + ": " + silent.reason());
            reparent(node);
        }
    }

    private void reparent(final int node) {
        final int before = topology.parent(node);
        final int after = topology.moveUp(node);
        if (before != after) {
            listener.event(nameOf(after) + " feeds " + nodes.get(node).name() + " now");
            publish(Set.of(before, after));
        }
    }

    @Override
    public void lost(final int node, final String reason) {
        lock.lock();
        try {
            final NodeRecord record = nodes.get(node);
            if (record.state() == NodeState.CONNECTING) {
                record.reason(reason);
            } else if (record.state() == NodeState.READY || record.state() == NodeState.ACTIVE) {
                record.reason(reason);
                state(record, NodeState.LOST, reason);
                bypass(node);
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
     * Waits until all nodes are ready or failed, or {@code maxWait} is over, and forms the ring of those that are ready.
     *
     * @return how many there are.
     */
    int form(final Duration maxWait) throws InterruptedException {
        long left = maxWait.toNanos();
        lock.lock();
        try {
            while (!aborted && anyIn(NodeState.CONNECTING, NodeState.LOST) && left > 0) {
                left = changed.awaitNanos(left);
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

    private boolean anyIn(final NodeState... states) {
        final Set<NodeState> wanted = Set.of(states);
        return nodes.stream().anyMatch(node -> wanted.contains(node.state()));
    }

    /** Waits, for at most {@code wait}, until no node is at work any more; returns whether that is so. */
    boolean awaitEnd(final Duration wait) throws InterruptedException {
        lock.lock();
        try {
            if (!aborted && anyIn(NodeState.ACTIVE, NodeState.READY)) {
                changed.await(wait.toNanos(), TimeUnit.NANOSECONDS);
            }
            return aborted || !anyIn(NodeState.ACTIVE, NodeState.READY);
        } finally {
            lock.unlock();
        }
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
