package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything behind a node: its children, and what is known of everybody they feed. A child that dies takes those behind
 * it along, and nobody else.
 */
final class Outflow implements Child.Events, AutoCloseable {
    /**
     * What is forwarded to whom.
     *
     * @param config of the ring.
     * @param text the same, as it came.
     * @param dialect of the ring.
     * @param directory whether the stream is a tar archive.
     * @param me this node's index, or {@link Topology#SERVER}.
     * @param options of this node.
     */
    record Plan(
            DollyConfig config, ConfigText text, Dialect dialect, boolean directory, int me, DollyOptions options) {}

    /** In place of a number of bytes: every node behind the child has been reported by its name. */
    static final long BY_NAME = -1;

    private final Plan plan;
    private final Topology topology;
    private final Sockets sockets;
    private final Consumer<String> upward;
    private final List<Child> children = new ArrayList<>();
    private final Map<String, DollyNode> results = new LinkedHashMap<>();
    private final Set<String> ready = new LinkedHashSet<>();
    private final Map<Child, Long> acknowledged = new LinkedHashMap<>();
    private boolean signOfLife;
    private long total = -1;
    private String digest = "";

    /**
     * Creates it.
     *
     * @param upward takes lines that flow back from behind the children; called in order.
     */
    Outflow(final Plan plan, final Sockets sockets, final Consumer<String> upward) {
        this.plan = plan;
        this.topology = plan.config().topology();
        this.sockets = sockets;
        this.upward = upward;
    }

    /**
     * Connects to all children.
     *
     * @param bypass whether to feed those behind a child that cannot be had; else that is a failure.
     */
    void connect(final BooleanSupplier bypass) throws IOException {
        for (final int child : topology.childrenOf(plan.me())) {
            connect(child, bypass);
        }
    }

    private void connect(final int index, final BooleanSupplier bypass) throws IOException {
        final String name = plan.config().hosts().get(index);
        final Child child;
        try {
            child = Child.open(plan, index, sockets, this);
        } catch (final ReplicationException e) {
            if (!bypass.getAsBoolean()) {
                throw e;
            }
            plan.options().listener().warning(e.getMessage() + "; going on without " + name);
            lost(name, String.valueOf(e.getMessage()));
            for (final int next : topology.childrenOf(index)) {
                connect(next, bypass);
            }
            return;
        }
        synchronized (this) {
            children.add(child);
        }
        final Set<String> names = new LinkedHashSet<>();
        topology.subtree(index).forEach(i -> names.add(plan.config().hosts().get(i)));
        child.start(names);
    }

    private void lost(final String name, final String reason) {
        final DollyNode node = DollyNode.failed(name, reason);
        synchronized (this) {
            results.put(name, node);
            notifyAll();
        }
        upward.accept(node.toLine());
    }

    /** Returns how many hosts behind this node are neither ready nor lost. */
    synchronized int waitingFor() {
        int count = 0;
        for (final Child child : children) {
            count += waitingFor(child);
        }
        return count;
    }

    private int waitingFor(final Child child) {
        int count = 0;
        for (final int i : topology.subtree(child.index())) {
            final String name = plan.config().hosts().get(i);
            count += ready.contains(name) || results.containsKey(name) ? 0 : 1;
        }
        return count;
    }

    /** Waits until everybody behind is ready; who is still not after a time without any news is lost. */
    void awaitReady(final Duration patience) throws IOException {
        synchronized (this) {
            int left = waitingFor();
            Deadline deadline = Deadline.in(patience);
            while (left > 0) {
                await(deadline);
                final int now = waitingFor();
                if (now < left) {
                    deadline = Deadline.in(patience);
                }
                left = now;
                if (left > 0 && deadline.passed()) {
                    throw ReplicationException.fail(
                            "not ready after " + patience.toSeconds() + " s: " + String.join(", ", notReady()), null);
                }
            }
        }
        if (!isAlive()) {
            throw ReplicationException.fail("no client is left: " + reasons(), null);
        }
    }

    private List<String> notReady() {
        final List<String> names = new ArrayList<>();
        for (final Child child : children) {
            for (final int i : topology.subtree(child.index())) {
                final String name = plan.config().hosts().get(i);
                if (!ready.contains(name) && !results.containsKey(name)) {
                    names.add(name);
                }
            }
        }
        return names;
    }

    @SuppressWarnings("WaitNotInLoop") // all callers loop
    private void await(final Deadline deadline) throws ReplicationException {
        try {
            wait(Math.max(1, Math.min(1000, deadline.leftNs() / 1_000_000L)));
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    boolean hasChildren() {
        return !children.isEmpty();
    }

    /** Returns whether somebody is left to send to. */
    boolean isAlive() {
        return children.stream().anyMatch(child -> !child.isOver());
    }

    /** Gives a block to all children; the caller keeps its own reference. */
    void offer(final Extent extent, final Block block) {
        for (final Child child : children) {
            child.offer(extent, block.retain());
        }
    }

    /** Says how long the stream is; at once, even with data in flight. */
    void end(final long bytes) {
        synchronized (this) {
            total = bytes;
        }
        children.forEach(child -> child.end(bytes));
    }

    /** Says what the digest of the stream is. */
    void sum(final String hex) {
        synchronized (this) {
            digest = hex;
        }
        children.forEach(child -> child.tell("sum " + hex));
    }

    /** Says that there will be no whole stream. */
    void abort(final String reason) {
        children.forEach(child -> child.tell("abort " + reason.replace('\n', ' ')));
    }

    /** Waits until all blocks are sent. */
    void drain(final boolean shutdown) {
        children.forEach(child -> child.drain(shutdown));
    }

    /** Waits for the acknowledgements of all children that live; who does not acknowledge in time has failed. */
    void awaitAcknowledgements(final Duration patience) throws IOException {
        final List<Child> late = new ArrayList<>();
        synchronized (this) {
            Deadline deadline = Deadline.in(patience);
            while (!allSaid() && !deadline.passed()) {
                await(deadline);
                if (signOfLife) {
                    signOfLife = false;
                    deadline = Deadline.in(patience);
                }
            }
            for (final Child child : children) {
                if (!acknowledged.containsKey(child) && !child.isOver()) {
                    late.add(child);
                }
            }
        }
        late.forEach(child -> lost(child, "did not acknowledge within " + patience.toSeconds() + " s"));
    }

    private boolean allSaid() {
        return children.stream().allMatch(child -> acknowledged.containsKey(child) || child.isOver());
    }

    /** Returns what is known of everybody behind this node, in the order of the list. */
    synchronized List<DollyNode> results() {
        judge();
        final List<DollyNode> all = new ArrayList<>();
        for (final String host : plan.config().hosts()) {
            final @Nullable DollyNode node = results.get(host);
            if (node != null) {
                all.add(node);
            }
        }
        return all;
    }

    /** Returns what went wrong behind this node, or nothing. */
    synchronized String reasons() {
        final List<String> reasons = new ArrayList<>();
        for (final DollyNode node : results.values()) {
            if (!node.ok()) {
                reasons.add(node.name() + " " + node.reason());
            }
        }
        return String.join("; ", reasons);
    }

    @Override
    public void line(final Child child, final String line) {
        upward.accept(line);
        final String plain = Extension.plain(line);
        synchronized (this) {
            for (final int i : topology.subtree(child.index())) {
                final String host = plan.config().hosts().get(i);
                if (plain.equals(plan.dialect().ready(host))) {
                    ready.add(host);
                }
            }
            notifyAll();
        }
    }

    @Override
    public synchronized void busy(final Child child) {
        signOfLife = true;
    }

    @Override
    public synchronized void acknowledged(final Child child, final long bytes) {
        acknowledged.put(child, bytes);
        notifyAll();
    }

    /** Turns the acknowledgements into results; only now the length of the whole stream is sure to be known. */
    private void judge() {
        acknowledged.forEach((child, bytes) -> {
            for (final int i : topology.subtree(child.index())) {
                final String host = plan.config().hosts().get(i);
                if (bytes == BY_NAME) {
                    results.putIfAbsent(host, DollyNode.failed(host, "was not reported by " + child.name()));
                } else if (bytes != total) {
                    results.putIfAbsent(
                            host,
                            DollyNode.failed(host, child.name() + " acknowledged " + bytes + " bytes of " + total));
                } else {
                    results.putIfAbsent(host, new DollyNode(host, DollyNode.State.ACKNOWLEDGED, bytes, "", ""));
                }
            }
        });
    }

    @Override
    public void reported(final Child child, final DollyNode node) {
        final boolean wrong;
        synchronized (this) {
            wrong = node.state() == DollyNode.State.PROVEN
                    && (node.bytes() != total || (!digest.isEmpty() && !digest.equals(node.digest())));
            results.put(
                    node.name(), wrong ? DollyNode.failed(node.name(), "has another digest than the source") : node);
            notifyAll();
        }
        if (!node.ok()) {
            upward.accept(node.toLine());
        }
    }

    @Override
    public void lost(final Child child, final String reason) {
        plan.options().listener().warning("client " + child.name() + " " + reason);
        for (final int i : topology.subtree(child.index())) {
            final String host = plan.config().hosts().get(i);
            final boolean known;
            synchronized (this) {
                known = results.containsKey(host);
            }
            if (!known) {
                lost(host, i == child.index() ? reason : "is behind " + child.name() + ", which " + reason);
            }
        }
        synchronized (this) {
            acknowledged.put(child, BY_NAME);
            notifyAll();
        }
    }

    @Override
    public void close() {
        children.forEach(Child::close);
    }
}
