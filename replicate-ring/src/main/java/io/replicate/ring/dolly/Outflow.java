package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything behind a node: its children, what they are fed, and what flows back. A child that dies takes itself along,
 * and old nodes behind it; those of ours behind it are taken over, and get what they have missed.
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

    /** A node that was taken over so often has no link that holds. */
    private static final int MAX_TAKEOVERS = 5;

    private final Plan plan;
    private final Topology topology;
    private final Roster roster;
    private final ChildDoor door;
    private final Consumer<String> upward;
    private final BooleanSupplier upstream;
    private final List<Child> children = new CopyOnWriteArrayList<>();
    private final Map<Child, Long> acknowledged = new LinkedHashMap<>();
    private final Map<Integer, Integer> takeovers = new HashMap<>();
    private final Set<Child> dead = new HashSet<>();
    private @Nullable History history;
    private long offered;
    private int healing;
    private boolean drained;
    private boolean closed;

    /**
     * Creates it.
     *
     * @param upward takes lines that flow back from behind the children; called in order.
     * @param upstream whether this node itself is still fed; only then it takes over others.
     */
    Outflow(final Plan plan, final Sockets sockets, final Consumer<String> upward, final BooleanSupplier upstream) {
        this.plan = plan;
        this.topology = plan.config().topology();
        final List<Integer> behind = topology.subtree(plan.me());
        this.roster = new Roster(names(behind.subList(1, behind.size())), plan.dialect());
        this.door = new ChildDoor(plan, sockets);
        this.upward = upward;
        this.upstream = upstream;
    }

    private String name(final int index) {
        return plan.config().hosts().get(index);
    }

    private List<String> names(final List<Integer> indexes) {
        return indexes.stream().map(this::name).toList();
    }

    private Set<String> subtree(final int index) {
        return new LinkedHashSet<>(names(topology.subtree(index)));
    }

    /** Says where what has passed can be had again. */
    synchronized void history(final @Nullable History from) {
        history = from;
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
        final Child child;
        try {
            child = door.open(index, this);
        } catch (final ReplicationException e) {
            if (!bypass.getAsBoolean()) {
                throw e;
            }
            plan.options().listener().warning(e.getMessage() + "; going on without " + name(index));
            lost(name(index), String.valueOf(e.getMessage()));
            for (final int next : topology.childrenOf(index)) {
                connect(next, bypass);
            }
            return;
        }
        add(child);
    }

    /** A child that was taken over is fed from the history up to here, and with what is offered from here on. */
    private void add(final Child child) {
        synchronized (this) {
            if (closed) {
                child.close();
                return;
            }
            if (child.feeder().missingFrom() >= 0) {
                child.feeder().missingTo(offered, history);
            }
            children.add(child);
            if (drained) {
                child.feeder().finishLater();
            }
        }
        child.start(subtree(child.index()), upstream);
        final long total = roster.total();
        if (total >= 0) {
            child.end(total, true);
        }
        if (!roster.digest().isEmpty()) {
            child.tell("sum " + roster.digest());
        }
    }

    private void lost(final String host, final String reason) {
        if (roster.lost(host, reason)) {
            upward.accept(DollyNode.failed(host, reason).toLine());
        }
    }

    /** Waits until everybody behind is ready; who is still not after a time without any news is lost. */
    void awaitReady(final Duration patience) throws IOException {
        int left = roster.notReady().size();
        Deadline deadline = Deadline.in(patience);
        while (left > 0) {
            roster.await(deadline);
            final List<String> missing = roster.notReady();
            if (missing.size() < left) {
                deadline = Deadline.in(patience);
            }
            left = missing.size();
            if (left > 0 && deadline.passed()) {
                throw ReplicationException.fail(
                        "not ready after " + patience.toSeconds() + " s: " + String.join(", ", missing), null);
            }
        }
        if (!isAlive()) {
            throw ReplicationException.fail("no client is left: " + reasons(), null);
        }
    }

    /** Returns the names of those behind who have not said yet that they are ready. */
    String notReady() {
        return String.join(", ", roster.notReady());
    }

    boolean hasChildren() {
        return !children.isEmpty();
    }

    /** Returns whether somebody is left to send to. */
    synchronized boolean isAlive() {
        return healing > 0 || children.stream().anyMatch(child -> !dead.contains(child));
    }

    /** Gives a piece to all children; the caller keeps its own reference. */
    void offer(final Piece piece) {
        final List<Child> now;
        synchronized (this) {
            now = List.copyOf(children);
            offered = piece.end();
        }
        for (final Child child : now) {
            if (!child.isOver()) {
                child.feeder().offer(piece.retain());
            }
        }
    }

    /**
     * Says how long the stream is.
     *
     * @param atOnce also to old children, even with data in flight.
     */
    void end(final long bytes, final boolean atOnce) {
        roster.total(bytes);
        children.forEach(child -> child.end(bytes, atOnce));
    }

    /** Says what the digest of the stream is. */
    void sum(final String hex) {
        roster.digest(hex);
        children.forEach(child -> child.tell("sum " + hex));
    }

    /** Says that there will be no whole stream. */
    void abort(final String reason) {
        children.forEach(child -> child.tell("abort " + reason.replace('\n', ' ')));
    }

    /** Waits until all pieces are sent. */
    void drain(final boolean last) {
        synchronized (this) {
            drained = true;
        }
        children.forEach(child -> child.drain(last));
    }

    /** Waits for the acknowledgements of all children that live; who does not acknowledge in time has failed. */
    void awaitAcknowledgements(final Duration patience) throws IOException {
        Deadline deadline = Deadline.in(patience);
        while (!allSaid() && !deadline.passed()) {
            roster.await(deadline);
            if (roster.takeSignOfLife()) {
                deadline = Deadline.in(patience);
            }
        }
        final List<Child> late = new ArrayList<>();
        synchronized (this) {
            closed = true; // nobody is taken over any more
            for (final Child child : children) {
                if (!acknowledged.containsKey(child) && !dead.contains(child)) {
                    late.add(child);
                }
            }
        }
        for (final Child child : late) {
            child.close();
            final String reason = "did not acknowledge within " + patience.toSeconds() + " s";
            plan.options().listener().warning("client " + child.name() + " " + reason);
            loseAll(child.index(), child.name(), reason);
        }
    }

    private synchronized boolean allSaid() {
        return closed
                || (healing == 0
                        && children.stream()
                                .allMatch(child -> acknowledged.containsKey(child) || dead.contains(child)));
    }

    /** Returns what is known of everybody behind this node, in the order of the list. */
    List<DollyNode> results() {
        synchronized (this) {
            acknowledged.forEach((child, bytes) -> roster.judge(child.name(), subtree(child.index()), bytes));
        }
        return roster.results();
    }

    /** Returns what went wrong behind this node, or nothing. */
    String reasons() {
        return roster.reasons();
    }

    @Override
    public void line(final Child child, final String line) {
        if (roster.isNew(line)) {
            upward.accept(line);
            roster.heard(line); // last: who waits for it goes on
        }
    }

    @Override
    public void heir(final String name, final String token) {
        roster.heir(name, token);
        upward.accept("+heir " + name + " " + token);
    }

    @Override
    public void busy(final Child child) {
        roster.busy();
    }

    @Override
    public void acknowledged(final Child child, final long bytes) {
        synchronized (this) {
            acknowledged.put(child, bytes);
        }
        roster.changed();
    }

    @Override
    public void reported(final Child child, final DollyNode node) {
        upward.accept(roster.reported(node).toLine());
    }

    @Override
    public void lost(final Child child, final String reason) {
        plan.options().listener().warning("client " + child.name() + " " + reason);
        final boolean heal;
        synchronized (this) {
            heal = plan.config().add().count() == 0 && !closed && roster.tokenOf(child.name()) != null;
            if (heal) {
                healing++;
                dead.add(child);
            }
        }
        if (!heal) {
            loseAll(child.index(), child.name(), reason);
            synchronized (this) {
                dead.add(child); // last: nobody is waited for any more, and what became of him must be known by then
            }
            roster.changed();
            return;
        }
        Threads.start("dolly-heal-" + child.name(), () -> {
            try {
                heal(child.index(), reason);
            } catch (final ReplicationException e) {
                loseAll(child.index(), child.name(), reason);
            } finally {
                synchronized (this) {
                    healing--;
                }
                roster.changed();
            }
        });
    }

    private void loseAll(final int index, final String name, final String reason) {
        for (final String host : subtree(index)) {
            lost(host, name.isEmpty() || host.equals(name) ? reason : "is behind " + name + ", which " + reason);
        }
    }

    /** Takes the node over again, if only the link has broken; else those behind it. */
    private void heal(final int index, final String reason) throws ReplicationException {
        final @Nullable String token = roster.tokenOf(name(index));
        if (!roster.isKnown(name(index)) && token != null && mayTakeOver(index)) {
            final @Nullable Child child = door.takeOver(index, token, this, this::mayHeal);
            if (child != null) {
                plan.options()
                        .listener()
                        .verbose("Client " + name(index) + " goes on at offset "
                                + child.feeder().missingFrom() + ".");
                add(child);
                return;
            }
        }
        lost(name(index), reason);
        for (final int next : topology.childrenOf(index)) {
            if (roster.tokenOf(name(next)) != null && mayHeal()) {
                heal(next, "is behind " + name(index) + ", which " + reason);
            } else {
                loseAll(next, "", "is behind " + name(index) + ", which " + reason);
            }
        }
    }

    private synchronized boolean mayTakeOver(final int index) {
        return takeovers.merge(index, 1, Integer::sum) <= MAX_TAKEOVERS;
    }

    private boolean mayHeal() {
        synchronized (this) {
            if (closed) {
                return false;
            }
        }
        return upstream.getAsBoolean();
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        children.forEach(Child::close);
    }
}
