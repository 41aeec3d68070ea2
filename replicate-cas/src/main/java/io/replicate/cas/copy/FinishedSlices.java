package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which slices are copied to their end, as a checkpoint remembers them: what saves the next run the reading of their
 * indexes, and no more than that. What was finished by a run that was to do less does not count. Thread-safe.
 */
final class FinishedSlices {
    private static final Logger LOG = LoggerFactory.getLogger(FinishedSlices.class);
    private static final String FINISHED = "finished";
    private static final String SINCE = "newer-than-ns";

    private final @Nullable Checkpoint store;
    private final JobId job;
    private final long sinceNs;
    private final Set<String> prefixes = new TreeSet<>();

    private FinishedSlices(final @Nullable Checkpoint store, final JobId job, final long sinceNs) {
        this.store = store;
        this.sinceNs = sinceNs;
        this.job = job;
    }

    /**
     * Loads what earlier runs between the same places, and with the same wishes, have finished; nothing without a checkpoint.
     *
     * @throws io.replicate.core.spi.ReplicationException MISUSE when the checkpoint is of other places or wishes.
     */
    static FinishedSlices load(final CasStore source, final CasStore destination, final CopyOptions options)
            throws IOException {
        final JobId job = JobId.of(
                "cas",
                String.join(" ", source.places()),
                String.join(" ", destination.places()),
                options.prefix,
                Integer.toString(options.sliceDigits),
                options.filter.minBytes() + "-" + options.filter.maxBytes(),
                fingerprint(options.filter.include()),
                fingerprint(options.plan),
                fingerprint(options.copiesByHash),
                options.copies + " " + options.ensureCopies + " " + options.fixPlacement);
        final FinishedSlices finished = new FinishedSlices(options.checkpoint, job, options.filter.newerThanNs());
        if (options.checkpoint != null) {
            options.checkpoint
                    .load(job)
                    .filter(saved -> finished.covers(saved))
                    .map(saved -> saved.values().get(FINISHED))
                    .map(text -> List.of(new String(text, StandardCharsets.US_ASCII).split(",")))
                    .ifPresent(finished.prefixes::addAll);
        }
        return finished;
    }

    /** An age is another moment in each run: what was finished counts if it took in all that is wanted now. */
    private boolean covers(final Progress saved) {
        final byte[] since = saved.values().get(SINCE);
        return since != null && Long.parseLong(new String(since, StandardCharsets.US_ASCII)) <= sinceNs;
    }

    private static String fingerprint(final @Nullable DigestTable list) {
        if (list == null) {
            return "all";
        }
        final MessageDigest sum = Digest.Algorithm.SHA_256.newMessageDigest();
        for (final DigestTable.Cursor cursor = list.cursor(); cursor.next(); ) {
            sum.update(cursor.digest().hash());
            sum.update(Long.toString(cursor.sizeBytes()).getBytes(StandardCharsets.US_ASCII));
        }
        return HexFormat.of().formatHex(sum.digest());
    }

    /** Returns the prefixes of the finished slices. */
    synchronized Set<String> prefixes() {
        return Set.copyOf(prefixes);
    }

    /** Notes that a slice is copied, and that durably. */
    synchronized void add(final String prefix) {
        prefixes.add(prefix);
        if (store == null) {
            return;
        }
        try {
            final byte[] text = String.join(",", prefixes).getBytes(StandardCharsets.US_ASCII);
            store.commit(
                    job,
                    new Progress(
                            Map.of(FINISHED, text, SINCE, Long.toString(sinceNs).getBytes(StandardCharsets.US_ASCII))));
        } catch (final IOException e) {
            LOG.warn("checkpoint not written, the next run reads slice {} again: {}", prefix, e.getMessage());
        }
    }
}
