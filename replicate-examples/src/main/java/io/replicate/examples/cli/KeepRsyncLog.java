package io.replicate.examples.cli;

import io.replicate.cas.copy.CopyListener;
import io.replicate.cas.keep.GoDuration;
import io.replicate.cas.keep.Secrets;
import io.replicate.core.job.Phase;
import io.replicate.core.job.ProgressListener;
import io.replicate.core.job.ProgressSnapshot;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Sizes;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What keep-rsync prints on stderr: lines with a time before them, the countdown of the indexes on one line, and a line per
 * block. Nothing passes without its secrets taken out. Thread-safe.
 */
final class KeepRsyncLog implements CopyListener, ProgressListener {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss ", Locale.ROOT);

    private final PrintWriter err;
    private final @Nullable JsonLines json;
    private final boolean blockLines;
    private volatile Secrets secrets = new Secrets(java.util.List.of());
    private boolean inCountdown;
    private long firstBlockNs;

    KeepRsyncLog(final PrintWriter err, final @Nullable JsonLines json, final boolean blockLines) {
        this.err = err;
        this.json = json;
        this.blockLines = blockLines;
    }

    /** Sets what must never be printed. */
    void secrets(final Secrets value) {
        secrets = value;
    }

    /** Prints a line. */
    synchronized void line(final String text) {
        endCountdown();
        err.println(LocalDateTime.now(ZoneId.systemDefault()).format(TIME) + secrets.redact(text));
    }

    private void event(final String name, final Map<String, ?> members) {
        if (json != null) {
            json.event(name, members);
        }
    }

    private void endCountdown() {
        if (inCountdown) {
            inCountdown = false;
            err.println();
        }
    }

    @Override
    public synchronized void indexesLeft(final int count) {
        if (!inCountdown) {
            inCountdown = true;
            err.print(LocalDateTime.now(ZoneId.systemDefault()).format(TIME) + "getting indexes: ");
        }
        err.print(count > 0 ? count + "... " : "0");
        err.flush();
        if (count == 0) {
            endCountdown();
        }
        event("index", Map.of("left", count));
    }

    @Override
    public void compared(final Counts counts) {
        line("source has " + blocks(counts.source()) + ", destination has " + blocks(counts.destination()) + ": "
                + blocks(counts.missing()) + " to copy (" + Sizes.format(counts.missingBytes()) + ")"
                + (counts.topUp() > 0 ? ", " + blocks(counts.topUp()) + " to write again" : ""));
        event("compared", members(counts));
    }

    static Map<String, Object> members(final Counts counts) {
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("source", counts.source());
        members.put("destination", counts.destination());
        members.put("missing", counts.missing());
        members.put("missingBytes", counts.missingBytes());
        members.put("topUp", counts.topUp());
        members.put("misplaced", counts.misplaced());
        members.put("underReplicated", counts.underReplicated());
        return members;
    }

    static String blocks(final long count) {
        return count == 1 ? "1 block" : count + " blocks";
    }

    @Override
    public synchronized void copying(final long number, final long total, final long done, final Digest digest) {
        final long nowNs = System.nanoTime();
        if (firstBlockNs == 0) {
            firstBlockNs = nowNs;
        }
        final String locator = locator(digest);
        if (blockLines) {
            line("copying data block " + number + " of " + total + " (" + (total == 0 ? 100 : done * 100 / total)
                    + "% done, ETA " + eta(nowNs - firstBlockNs, done, total) + "): " + locator);
        }
        event("block", Map.of("number", number, "total", total, "done", done, "locator", locator));
    }

    private static String eta(final long elapsedNs, final long done, final long total) {
        if (done < 1) {
            return "?";
        }
        return GoDuration.format(Duration.ofNanos((long) ((double) elapsedNs / done * Math.max(0, total - done))));
    }

    static String locator(final Digest digest) {
        return digest.hex() + "+" + digest.lengthBytes();
    }

    @Override
    public void failed(final Digest digest, final String reason) {
        line("Error while syncing data: " + (reason.contains(digest.hex()) ? reason : locator(digest) + ": " + reason));
        event("failed", Map.of("locator", locator(digest), "reason", secrets.redact(reason)));
    }

    @Override
    public void warning(final String text) {
        line("warning: " + text);
        event("warning", Map.of("text", secrets.redact(text)));
    }

    @Override
    public void progress(final ProgressSnapshot snapshot) {
        if (json == null || snapshot.phase() != Phase.COPYING) {
            return;
        }
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("bytes", snapshot.carriedBytes());
        members.put("totalBytes", snapshot.totalBytes());
        members.put("rateBytesPerSecond", snapshot.rateBytesPerSecond());
        members.put("etaSeconds", snapshot.eta() == null ? null : snapshot.eta().toSeconds());
        members.put("elapsedSeconds", snapshot.elapsed().toMillis() / 1000.0);
        event("progress", members);
    }
}
