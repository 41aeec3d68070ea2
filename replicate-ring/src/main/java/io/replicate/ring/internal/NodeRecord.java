package io.replicate.ring.internal;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.internal.ControlMessage.Result;
import org.jspecify.annotations.Nullable;

/** What the server knows of one node. Guarded by the coordinator's lock. */
final class NodeRecord {
    private final RingNodeAddress address;
    private NodeState state = NodeState.CONNECTING;
    private long resumedFrom;
    private long received;
    private long written;
    private long durable;
    private long firstByteAtNs;
    private long finishedAtNs;
    private @Nullable Result result;
    private @Nullable String reason;

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
    }

    void reason(final String text) {
        reason = text;
    }

    String reasonText() {
        return reason == null ? "never answered" : reason;
    }

    void accepted(final long from, final long durableTo) {
        resumedFrom = from;
        received = from;
        durable = durableTo;
    }

    void progress(final long receivedTo, final long writtenTo, final long durableTo) {
        if (receivedTo > resumedFrom && firstByteAtNs == 0) {
            firstByteAtNs = System.nanoTime();
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
                Math.max(written, durable),
                end == null ? 0 : end.dataBytes(),
                end == null ? "" : end.digest(),
                end != null && end.atomic(),
                end == null ? received : end.failedAt(),
                ok ? "" : reasonText(),
                finishedAtNs == 0 || firstByteAtNs == 0 ? 0 : finishedAtNs - firstByteAtNs);
    }
}
