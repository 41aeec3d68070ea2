package io.replicate.ring.internal;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Result;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the server knows of one node. Guarded by the coordinator's lock. */
final class NodeRecord {
    private final RingNodeAddress address;
    private NodeState state = NodeState.CONNECTING;
    private long resumedFrom;
    private long received;
    private long written;
    private long durable;
    private long fedSinceNs;
    private long finishedAtNs;
    private @Nullable Result result;
    private @Nullable String reason;
    private int failures;

    /** Parents that could not feed it since it got its last byte, and those of them that never will. */
    private final Set<Integer> tried = new HashSet<>();

    private final Set<Integer> gone = new HashSet<>();
    private long stuckSinceNs;
    private long lostAtNs;
    private boolean missed;
    private boolean asked;

    NodeRecord(final RingNodeAddress address) {
        this.address = address;
    }

    RingNodeAddress address() {
        return address;
    }

    String name() {
        return address.name();
    }

    NodeState state() {
        return state;
    }

    void state(final NodeState next) {
        state = next;
        if (next == NodeState.ACTIVE) {
            fedSinceNs = System.nanoTime();
        }
    }

    /** Notes that the node was asked to take part, whatever came of it. */
    void asked() {
        asked = true;
    }

    boolean isAsked() {
        return asked;
    }

    /** Notes that the node was lost now. */
    void lost(final long nowNs) {
        lostAtNs = nowNs;
        missed = false;
    }

    /** Notes that the lost node was looked for, and not found. */
    void missed() {
        missed = true;
    }

    /** Returns whether the node was lost less than {@code limitNs} ago and nobody has looked for it since. */
    boolean isSought(final long nowNs, final long limitNs) {
        return state == NodeState.LOST && !missed && nowNs - lostAtNs < limitNs;
    }

    void reason(final String text) {
        reason = text;
    }

    String reasonText() {
        return reason == null ? "never answered" : reason;
    }

    /** Notes that the node is there. What an earlier copy of it came to no longer counts. */
    void accepted(final Accept accept) {
        asked = true;
        resumedFrom = accept.begunAt();
        received = accept.position();
        written = accept.durable();
        durable = accept.durable();
        result = null;
        finishedAtNs = 0;
        fedAgain();
    }

    long received() {
        return received;
    }

    @Nullable
    Result result() {
        return result;
    }

    /** Counts a failed copy and returns how many there were. */
    int failed() {
        return ++failures;
    }

    int failures() {
        return failures;
    }

    /** Notes that a parent could not feed the node. */
    void notFedBy(final int parent, final boolean never, final long nowNs) {
        if (stuckSinceNs == 0) {
            stuckSinceNs = nowNs;
        }
        tried.add(parent);
        if (never) {
            gone.add(parent);
        }
    }

    /** Returns the parents that are not worth a try now. */
    Set<Integer> inVain() {
        return tried;
    }

    /** Begins another round of those who may yet be able to. */
    void nextRound() {
        tried.clear();
        tried.addAll(gone);
    }

    /** Returns for how long nobody could feed the node. */
    long stuckNs(final long nowNs) {
        return stuckSinceNs == 0 ? 0 : nowNs - stuckSinceNs;
    }

    private void fedAgain() {
        tried.clear();
        gone.clear();
        stuckSinceNs = 0;
    }

    void progress(final long receivedTo, final long writtenTo, final long durableTo) {
        if (receivedTo > received) {
            fedAgain();
        }
        received = receivedTo;
        written = writtenTo;
        durable = durableTo;
    }

    void result(final Result end) {
        result = end;
        finishedAtNs = System.nanoTime();
    }

    NodeReport report() {
        final @Nullable Result end = result;
        final boolean ok = state == NodeState.DONE && end != null;
        return new NodeReport(
                name(),
                state,
                resumedFrom,
                end == null ? received : end.bytes(),
                end != null && end.ok() ? end.bytes() : Math.max(written, durable),
                end == null ? 0 : end.dataBytes(),
                end == null ? "" : end.digest(),
                end != null && end.atomic(),
                end == null ? received : end.failedAt(),
                ok ? "" : reasonText(),
                finishedAtNs == 0 || fedSinceNs == 0 ? 0 : finishedAtNs - fedSinceNs);
    }
}
