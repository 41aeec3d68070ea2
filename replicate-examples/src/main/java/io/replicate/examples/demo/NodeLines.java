package io.replicate.examples.demo;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * One live line for each node: redrawn in place on a terminal, printed once a second elsewhere. Thread-safe.
 *
 * <p><b>Design note:</b> not a progress bar library: several bars that move up when one must print a message between them
 * is what those do badly.
 */
public final class NodeLines implements AutoCloseable {
    private static final int BAR_WIDTH = 40;
    private static final long PLAIN_INTERVAL_NS = 1_000_000_000L;
    private static final long LIVE_INTERVAL_NS = 100_000_000L;

    private final PrintWriter to;
    private final boolean terminal;
    private int drawn;
    private long lastNs = System.nanoTime();

    /** Creates the lines; {@code terminal} says whether the cursor can be moved. */
    public NodeLines(final PrintWriter to, final boolean terminal) {
        this.to = to;
        this.terminal = terminal;
    }

    /** Prints a line above the nodes' lines. */
    synchronized void say(final String text) {
        erase();
        to.println("  " + text);
        to.flush();
    }

    /** Shows where the nodes are, if it is time to. */
    synchronized void show(final List<NodeReport> reports, final DataMap data) {
        final long now = System.nanoTime();
        if (now - lastNs < (terminal ? LIVE_INTERVAL_NS : PLAIN_INTERVAL_NS)) {
            return;
        }
        lastNs = now;
        erase();
        reports.forEach(report -> to.println(line(report, data)));
        drawn = terminal ? reports.size() : 0;
        to.flush();
    }

    private void erase() {
        for (; drawn > 0; drawn--) {
            to.print("\033[1A\033[2K");
        }
    }

    private static String line(final NodeReport report, final DataMap data) {
        final double part = data.partBefore(report.received());
        final int full = (int) (part * BAR_WIDTH);
        final String bar = "#".repeat(full) + ".".repeat(BAR_WIDTH - full);
        final String state = report.state() == NodeState.ACTIVE
                ? ""
                : " " + report.state().name().toLowerCase(Locale.ROOT);
        return String.format(
                Locale.ROOT,
                "  %-16s [%s] %3d %% %4d MiB%s",
                report.name(),
                bar,
                (int) (part * 100),
                (long) (part * data.total()) >> 20,
                state);
    }

    @Override
    public synchronized void close() {
        drawn = 0;
        to.flush();
    }
}
