package io.replicate.examples.cli;

import io.replicate.ring.dolly.DollyListener;
import java.io.PrintWriter;
import java.util.Locale;

/** Prints what happens in dolly's words: with {@code -v} everything, without it only warnings. */
final class DollyNarrator implements DollyListener {
    private static final long INTERVAL_NS = 1_000_000_000L;
    private static final double MB = 1e6;

    private final PrintWriter err;
    private final DollyFlags flags;
    private long beginNs;
    private long lastNs;
    private long lastBytes;
    private boolean moving;
    private boolean summed;

    DollyNarrator(final PrintWriter err, final DollyFlags flags) {
        this.err = err;
        this.flags = flags;
    }

    @Override
    public synchronized void verbose(final String line) {
        if (!flags.verbose) {
            return;
        }
        if (line.startsWith("Read ") || line.equals("Synced.")) {
            total(line.equals("Synced."));
        }
        err.println(line);
        err.flush();
    }

    @Override
    public synchronized void warning(final String line) {
        if (!flags.quiet) {
            err.println("dolly: " + line);
            err.flush();
        }
    }

    @Override
    public synchronized void moved(final boolean sending, final long bytes) {
        sendingSide = sending;
        final long now = System.nanoTime();
        if (!moving) {
            moving = true;
            beginNs = now;
            lastNs = now;
        }
        if (flags.verbose && now - lastNs >= INTERVAL_NS) {
            rate(now, bytes);
        }
        current = bytes;
    }

    private boolean sendingSide;
    private long current;

    private void rate(final long now, final long bytes) {
        final double all = Math.max(1e-6, (now - beginNs) / 1e9);
        final double last = Math.max(1e-6, (now - lastNs) / 1e9);
        err.printf(
                Locale.ROOT,
                "%s MB: %.0f, MB/s: %.3f, Current MB/s: %.3f%n",
                sendingSide ? "Sent" : "Transfered",
                bytes / MB,
                bytes / MB / all,
                (bytes - lastBytes) / MB / last);
        err.flush();
        lastNs = now;
        lastBytes = bytes;
    }

    /** The last rate line, and at the very end the sum. */
    private void total(final boolean end) {
        if (moving && !summed) {
            rate(System.nanoTime(), current);
            summed = true;
        }
        if (end) {
            err.printf(Locale.ROOT, "%s MB: %.0f.%n", sendingSide ? "Sent" : "Transfered", current / MB);
        }
    }
}
