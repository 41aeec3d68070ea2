package io.replicate.examples.cli;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingServer;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** The result of a ring, a row for each node. */
final class RingTable {
    private static final int DIGEST_SHOWN = 16;

    private RingTable() {}

    static void print(final PrintWriter out, final List<NodeReport> reports, final String sourceDigest) {
        final int width = Math.max(
                4,
                reports.stream()
                        .mapToInt(report -> report.name().length())
                        .max()
                        .orElse(4));
        out.printf(
                "%-" + width + "s  %14s  %14s  %8s  %-" + DIGEST_SHOWN + "s  %s%n",
                "node",
                "bytes",
                "data",
                "MB/s",
                "digest",
                "result");
        for (final NodeReport report : reports) {
            final boolean ok = report.state() == NodeState.DONE;
            out.printf(
                    "%-" + width + "s  %,14d  %,14d  %8s  %-" + DIGEST_SHOWN + "s  %s%n",
                    report.name(),
                    report.received(),
                    report.dataBytes(),
                    rate(report),
                    shorten(report.digest()),
                    ok ? result(report, sourceDigest) : failure(report));
        }
        out.flush();
    }

    /** Prints one line about the whole run. */
    static void summary(final PrintWriter err, final List<NodeReport> reports, final RingServer server) {
        final long done = reports.stream()
                .filter(report -> report.state() == NodeState.DONE)
                .count();
        final double seconds = server.elapsed().toNanos() / 1e9;
        final double rate = server.position() / 1e6 / Math.max(seconds, 1e-9);
        err.printf(
                Locale.ROOT,
                "cloned %d bytes to %d of %d nodes in %.3f s: %.1f MB/s a node, %.1f MB/s in all%n",
                server.position(),
                done,
                reports.size(),
                seconds,
                rate,
                rate * done);
        err.flush();
    }

    private static String result(final NodeReport report, final String sourceDigest) {
        final String proof = sourceDigest.isEmpty() ? "stored" : "identical";
        return report.resumedFrom() > 0 ? proof + ", went on at offset " + report.resumedFrom() : proof;
    }

    private static String failure(final NodeReport report) {
        return report.state().name().toLowerCase(Locale.ROOT) + " at offset " + Math.max(0, report.failedAt()) + ": "
                + report.reason();
    }

    private static String rate(final NodeReport report) {
        if (report.elapsedNs() <= 0) {
            return "-";
        }
        final double megabytes = report.dataBytes() / 1e6;
        return String.format(Locale.ROOT, "%.1f", megabytes / (report.elapsedNs() / 1e9));
    }

    private static String shorten(final String digest) {
        return digest.isEmpty() ? "-" : digest.substring(0, Math.min(DIGEST_SHOWN, digest.length()));
    }
}
