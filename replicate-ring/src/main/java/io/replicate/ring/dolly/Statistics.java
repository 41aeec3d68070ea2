package io.replicate.ring.dolly;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The figures of a run as dolly prints them. MB are units of 1,000,000 bytes.
 *
 * @param outfile of the configuration.
 * @param segmentBytes of TCP; 0 for what Ethernet gives.
 * @param clients that got the data.
 * @param bytes that each of them got.
 * @param seconds that it took.
 */
public record Statistics(String outfile, int segmentBytes, int clients, long bytes, double seconds) {
    private static final int ETHERNET_SEGMENT = 1460;
    private static final double MB = 1e6;

    /**
     * Returns the figures of a server's run.
     *
     * @param uncompressedBytes what the clients got where that is not what was sent; 0 where it is.
     */
    public static Statistics of(final DollyConfig config, final DollyReport report, final long uncompressedBytes) {
        final int clients = (int) report.nodes().stream().filter(DollyNode::ok).count();
        return new Statistics(
                config.outfile(),
                config.segmentBytes(),
                clients,
                uncompressedBytes > 0 ? uncompressedBytes : report.bytes(),
                Math.max(1e-6, report.elapsed().toNanos() / 1e9));
    }

    private double rate() {
        return bytes / MB / seconds;
    }

    private int segment() {
        return segmentBytes > 0 ? segmentBytes : ETHERNET_SEGMENT;
    }

    /** Returns the lines at the end of a run. */
    public List<String> lines() {
        final List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "Time: %.6f", seconds));
        lines.add(String.format(Locale.ROOT, "MBytes/s: %.3f", rate()));
        lines.add(String.format(Locale.ROOT, "Aggregate MBytes/s: %.3f", rate() * clients));
        return lines;
    }

    /** Returns what {@code -o} appends: a line of columns, or with {@code -v} a line for each figure. */
    public String record(final boolean verbose) {
        if (verbose) {
            return "outfile = '" + outfile + "'\nSegsize: " + segment() + "\nClients: " + clients + "\n"
                    + String.join("\n", lines()) + "\n";
        }
        return String.format(
                Locale.ROOT,
                "outfile = '%s' %d %d %.6f %.3f %.3f%n",
                outfile,
                segment(),
                clients,
                seconds,
                rate(),
                rate() * clients);
    }
}
