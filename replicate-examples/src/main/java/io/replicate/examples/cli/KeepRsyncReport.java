package io.replicate.examples.cli;

import io.replicate.cas.copy.CopyListener;
import io.replicate.cas.copy.CopySummary;
import io.replicate.cas.copy.PlanFile;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.StoreMetrics;
import io.replicate.cas.store.CasStore;
import io.replicate.core.job.FailedUnit;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Sizes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Says at the end of a keep-rsync what it did, or would do: in lines, for machines, and in a file of what failed. */
final class KeepRsyncReport {
    private final KeepRsyncOptions options;
    private final KeepRsyncLog log;
    private final @Nullable JsonLines json;

    KeepRsyncReport(final KeepRsyncOptions options, final KeepRsyncLog log, final @Nullable JsonLines json) {
        this.options = options;
        this.log = log;
        this.json = json;
    }

    /** Reports what a copy would do. */
    void planned(final CopyListener.Counts counts) {
        log.line("would copy " + KeepRsyncLog.blocks(counts.missing()) + " (" + Sizes.format(counts.missingBytes())
                + ", "
                + counts.missingBytes() + " bytes)" + placement(counts, false)
                + (options.planOut == null || options.planToStdout() ? "" : "; listed in " + options.planOut));
        if (json != null) {
            json.event("plan", KeepRsyncLog.members(counts));
        }
    }

    /** The state of the destination as it was found; told in the past only where this very run has mended it. */
    private String placement(final CopyListener.Counts counts, final boolean done) {
        return options.placementReport || options.ensureReplicas || options.fixPlacement
                ? "; in the destination " + counts.underReplicated()
                        + (done && options.ensureReplicas ? " had" : " have") + " too few copies and "
                        + counts.misplaced() + (done && options.fixPlacement ? " were" : " are") + " misplaced"
                : "";
    }

    /** Reports what a copy did that ended before its end; why, is said elsewhere. */
    void stopped(final CopySummary summary, final KeepRsyncSides sides) {
        sum(summary, false);
        if (json != null) {
            json.event("summary", members(summary, sides));
        }
    }

    private void sum(final CopySummary summary, final boolean done) {
        final double seconds = Math.max(1e-3, summary.elapsed().toNanos() / 1e9);
        log.line("copied " + KeepRsyncLog.blocks(summary.copied()) + " (" + Sizes.format(summary.bytes()) + ") in "
                + Durations.format(summary.elapsed()) + ", " + Sizes.format((long) (summary.bytes() / seconds)) + "/s"
                + (summary.toppedUp() > 0 ? "; wrote " + KeepRsyncLog.blocks(summary.toppedUp()) + " again" : "")
                + placement(summary.counts(), done));
    }

    /** Reports what a copy did. */
    void copied(final CopySummary summary, final KeepRsyncSides sides) throws IOException {
        sum(summary, true);
        if (summary.misplaced() > 0) {
            log.warning(KeepRsyncLog.blocks(summary.misplaced())
                    + " were not written where they belong, as servers there were away or refused them:"
                    + " --fix-placement mends that");
        }
        if (options.failedOut != null) {
            PlanFile.write(options.failedOut, "blocks that keep-rsync could not copy", out -> {
                for (final FailedUnit failed : summary.failed()) {
                    out.add((Digest) failed.unit());
                }
            });
        }
        if (summary.failedCount() > 0) {
            log.line("Error while syncing data: " + KeepRsyncLog.blocks(summary.failedCount())
                    + " could not be copied (listed above"
                    + (options.failedOut == null ? "" : listed(summary, options.failedOut)) + ")"
                    + (summary.copied() > 0 ? "; all others were" : ""));
        }
        if (json != null) {
            json.event("summary", members(summary, sides));
        }
    }

    private static String listed(final CopySummary summary, final Path file) {
        final int listed = summary.failed().size();
        return (listed < summary.failedCount() ? ", the first " + listed : "") + " and in " + file;
    }

    private static Map<String, Object> members(final CopySummary summary, final KeepRsyncSides sides) {
        final Map<String, Object> members = new LinkedHashMap<>(KeepRsyncLog.members(summary.counts()));
        members.put("copied", summary.copied());
        members.put("toppedUp", summary.toppedUp());
        members.put("bytes", summary.bytes());
        members.put("copiesWritten", summary.copiesWritten());
        members.put("writtenElsewhere", summary.misplaced());
        members.put("failed", summary.failedCount());
        members.put("elapsedSeconds", summary.elapsed().toMillis() / 1000.0);
        final List<Map<String, Object>> stores = new ArrayList<>();
        for (final CasStore side : List.of(sides.source(), sides.destination())) {
            if (side instanceof KeepStore keep) {
                keep.client().metrics().forEach((url, metrics) -> stores.add(store(side.name(), url, metrics)));
            }
        }
        members.put("stores", stores);
        return members;
    }

    private static Map<String, Object> store(final String side, final String url, final StoreMetrics metrics) {
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("side", side);
        members.put("url", url);
        members.put("requests", metrics.requests());
        members.put("failures", metrics.failures());
        members.put("busy", metrics.busy());
        members.put("meanMs", metrics.meanMs());
        members.put("longestMs", metrics.longestMs());
        return members;
    }
}
