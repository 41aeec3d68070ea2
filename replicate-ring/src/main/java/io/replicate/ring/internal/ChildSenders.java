package io.replicate.ring.internal;

import io.replicate.ring.internal.ControlMessage.Child;
import io.replicate.ring.internal.ControlMessage.Children;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The senders to the children that the server wants us to feed now. Thread-safe. */
final class ChildSenders {
    private final SessionContext context;
    private final Feed feed;
    private final @Nullable Replayer replayer;
    private final StoredBytes stored;
    private final Map<Integer, Running> running = new HashMap<>();
    private int epoch = -1;
    private boolean closed;

    private record Running(ChildSender sender, Thread thread) {}

    ChildSenders(
            final SessionContext context,
            final Feed feed,
            final @Nullable Replayer replayer,
            final StoredBytes stored) {
        this.context = context;
        this.feed = feed;
        this.replayer = replayer;
        this.stored = stored;
    }

    /** Stops feeding who is not in the list, and begins to feed who is new in it; an outdated list is ignored. */
    synchronized void replace(final Children wanted) {
        if (closed || wanted.epoch() <= epoch) {
            return;
        }
        epoch = wanted.epoch();
        final Set<Integer> keep = new HashSet<>();
        wanted.children().forEach(child -> keep.add(child.node()));
        running.entrySet().removeIf(entry -> {
            if (keep.contains(entry.getKey())) {
                return false;
            }
            entry.getValue().sender().close();
            return true;
        });
        for (final Child child : wanted.children()) {
            running.computeIfAbsent(child.node(), node -> begin(child, wanted.epoch()));
        }
    }

    private Running begin(final Child child, final int atEpoch) {
        final ChildSender sender = new ChildSender(child, atEpoch, context, feed, replayer, stored);
        return new Running(sender, RingThreads.start("ring-send-" + child.name(), sender));
    }

    /** Forgets what the last server wanted: another one counts its epochs anew. */
    synchronized void reset() {
        epoch = -1;
        running.values().forEach(r -> r.sender().close());
        running.clear();
    }

    /** Stops all, and waits until none uses the pool any more. */
    void close() {
        final List<Running> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(running.values());
            running.clear();
        }
        all.forEach(r -> r.sender().close());
        all.forEach(r -> ChildSender.join(r.thread(), Duration.ofSeconds(5)));
    }
}
