package io.replicate.examples.cli;

import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Unit;
import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingListener;
import io.replicate.ring.RingServer;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells how a ring gets on: what happens as a line each, and where the nodes are as a bar each on a terminal, as one line
 * every few seconds elsewhere, or as JSON lines. Thread-safe; {@link #finish()} it before the result is printed.
 */
final class RingProgress implements RingListener, AutoCloseable {
    private static final int BAR_WIDTH = 30;
    private static final int MAX_BARS = 20;
    private static final long TERMINAL_MS = 200;
    private static final long PLAIN_MS = 3000;
    private static final long JSON_MS = 1000;

    private final PrintWriter err;
    private final @Nullable JsonLines json;
    private final boolean terminal;
    private final CountDownLatch finished = new CountDownLatch(1);
    private int drawn;
    private long lastPosition;
    private long lastNs = System.nanoTime();

    /** Creates the teller; machines look at {@code json}, if it is there. */
    RingProgress(final PrintWriter err, final @Nullable JsonLines json) {
        this.err = err;
        this.json = json;
        this.terminal = json == null && Terminal.onStderr();
    }

    /** Shows the nodes of a server from now on. */
    void watch(final RingServer server, final long sizeBytes) {
        final long intervalMs = json != null ? JSON_MS : terminal ? TERMINAL_MS : PLAIN_MS;
        final Thread painter = new Thread(
                () -> {
                    try {
                        while (!finished.await(intervalMs, TimeUnit.MILLISECONDS)) {
                            show(server.reports(), server.position(), sizeBytes);
                        }
                    } catch (final InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "ring-progress");
        painter.setDaemon(true);
        painter.start();
    }

    @Override
    public synchronized void event(final String text) {
        if (json != null) {
            json.event("event", Map.of("text", text));
            return;
        }
        erase();
        err.println("ring: " + text);
        err.flush();
    }

    @Override
    public synchronized void nodeChanged(final NodeReport node, final String why) {
        if (json == null) {
            event(node.name() + " " + stateOf(node) + ": " + why);
            return;
        }
        final Map<String, Object> members = new LinkedHashMap<>(members(node));
        members.put("why", why);
        json.event("node", members);
    }

    private synchronized void show(final List<NodeReport> reports, final long position, final long sizeBytes) {
        if (finished.getCount() == 0) {
            return;
        }
        final long now = System.nanoTime();
        final long rate = (long) ((position - lastPosition) * 1e9 / Math.max(1, now - lastNs));
        lastPosition = position;
        lastNs = now;
        if (json != null) {
            final Map<String, Object> members = new LinkedHashMap<>();
            members.put("position", position);
            members.put("sizeBytes", sizeBytes == Unit.UNKNOWN ? null : sizeBytes);
            members.put("bytesPerSecond", rate);
            members.put("nodes", reports.stream().map(RingProgress::members).toList());
            json.event("progress", members);
        } else if (terminal) {
            draw(reports, sizeBytes, rate);
        } else if (position > 0) {
            err.println("ring: " + summary(reports, position, sizeBytes, rate));
            err.flush();
        }
    }

    private void draw(final List<NodeReport> reports, final long sizeBytes, final long rate) {
        erase();
        // The slowest say most when there are more than fit.
        final List<NodeReport> shown = reports.size() <= MAX_BARS
                ? reports
                : reports.stream()
                        .sorted((a, b) -> Long.compare(a.received(), b.received()))
                        .limit(MAX_BARS)
                        .toList();
        shown.forEach(report -> err.println(bar(report, sizeBytes)));
        err.println("  " + Sizes.format(rate) + "/s");
        drawn = shown.size() + 1;
        err.flush();
    }

    private void erase() {
        for (; drawn > 0; drawn--) {
            err.print("\033[1A\033[2K");
        }
    }

    private static String bar(final NodeReport report, final long sizeBytes) {
        final double part = sizeBytes <= 0 ? 0 : Math.min(1, (double) report.received() / sizeBytes);
        final int full = (int) (part * BAR_WIDTH);
        final String name = report.name();
        return String.format(
                Locale.ROOT,
                "  %-24s [%s%s] %3d %% %10s%s",
                name.substring(0, Math.min(24, name.length())),
                "#".repeat(full),
                ".".repeat(BAR_WIDTH - full),
                (int) (part * 100),
                Sizes.format(report.received()),
                report.state() == NodeState.ACTIVE ? "" : " " + stateOf(report));
    }

    private static String summary(
            final List<NodeReport> reports, final long position, final long sizeBytes, final long rate) {
        final long least = reports.stream()
                .filter(report -> report.state() == NodeState.ACTIVE)
                .mapToLong(NodeReport::received)
                .min()
                .orElse(position);
        final StringBuilder line = new StringBuilder("sent ").append(Sizes.format(position));
        if (sizeBytes > 0) {
            line.append(" of ").append(Sizes.format(sizeBytes));
            line.append(" (").append(position * 100 / sizeBytes).append("%)");
        }
        line.append(", ")
                .append(Sizes.format(rate))
                .append("/s, the last node has ")
                .append(Sizes.format(least));
        for (final NodeState state : List.of(NodeState.DONE, NodeState.LOST, NodeState.FAILED)) {
            final long count = reports.stream().filter(r -> r.state() == state).count();
            if (count > 0) {
                line.append(", ").append(count).append(' ').append(state.name().toLowerCase(Locale.ROOT));
            }
        }
        return line.toString();
    }

    private static String stateOf(final NodeReport node) {
        return node.state().name().toLowerCase(Locale.ROOT);
    }

    private static Map<String, Object> members(final NodeReport node) {
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("name", node.name());
        members.put("state", stateOf(node));
        members.put("resumedFrom", node.resumedFrom());
        members.put("received", node.received());
        members.put("written", node.written());
        return members;
    }

    /** Returns the members of the last JSON line. */
    static Map<String, Object> result(final List<NodeReport> reports, final String digest) {
        final List<Map<String, Object>> nodes = new ArrayList<>();
        for (final NodeReport report : reports) {
            final boolean ok = report.state() == NodeState.DONE;
            final Map<String, Object> node = new LinkedHashMap<>(members(report));
            node.put("ok", ok);
            node.put("dataBytes", report.dataBytes());
            node.put("digest", report.digest().isEmpty() ? null : report.digest());
            node.put("atomic", report.atomic());
            node.put("failedAt", ok ? null : report.failedAt());
            node.put("reason", ok ? null : report.reason());
            node.put("seconds", report.elapsedNs() / 1e9);
            nodes.add(node);
        }
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("digest", digest.isEmpty() ? null : digest);
        members.put("nodes", nodes);
        return members;
    }

    @Override
    public void close() {
        finish();
    }

    /** Shows the nodes no longer; what happens is still told. */
    void finish() {
        finished.countDown();
        synchronized (this) {
            erase();
            err.flush();
        }
    }
}
