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
import java.util.Arrays;
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
    private static final String COPIES = "copies-by-hash";
    private static final String ALL = "all";

    private final @Nullable Checkpoint store;
    private final JobId job;
    private final long sinceNs;
    private final String copies;
    private final Set<String> prefixes = new TreeSet<>();
    private boolean startsOver;

    private FinishedSlices(final JobId job, final CopyOptions options) {
        this.store = options.checkpoint;
        this.sinceNs = options.filter.newerThanNs();
        this.copies = store == null ? ALL : copies(options);
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
                options.copiesByHash == null ? ALL : COPIES, // which ones is read anew in each run: see covers()
                options.copies + " " + options.ensureCopies + " " + options.fixPlacement);
        final FinishedSlices finished = new FinishedSlices(job, options);
        if (options.checkpoint != null) {
            options.checkpoint.load(job).ifPresent(finished::take);
        }
        return finished;
    }

    private void take(final Progress saved) {
        final byte[] text = saved.values().get(FINISHED);
        if (!covers(saved)) {
            startsOver = true;
        } else if (text != null) {
            prefixes.addAll(List.of(new String(text, StandardCharsets.US_ASCII).split(",")));
        }
    }

    /**
     * An age is another moment in each run: what was finished counts if it took in all that is wanted now. So are the
     * copies that collections want: it counts as long as each hash is to have as many.
     */
    private boolean covers(final Progress saved) {
        final byte[] since = saved.values().get(SINCE);
        return since != null
                && Long.parseLong(new String(since, StandardCharsets.US_ASCII)) <= sinceNs
                && Arrays.equals(saved.values().getOrDefault(COPIES, ascii(ALL)), ascii(copies));
    }

    private static String copies(final CopyOptions options) {
        final DigestTable table = options.copiesByHash;
        if (table == null) {
            return ALL;
        }
        final MessageDigest sum = Digest.Algorithm.SHA_256.newMessageDigest();
        for (final DigestTable.Cursor cursor = table.cursor(); cursor.next(); ) {
            final byte[] hash = cursor.digest().hash();
            sum.update(hash);
            sum.update((byte) options.ownCopies(hash).orElse(0));
        }
        return HexFormat.of().formatHex(sum.digest());
    }

    private static byte[] ascii(final String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static String fingerprint(final @Nullable DigestTable list) {
        if (list == null) {
            return ALL;
        }
        final MessageDigest sum = Digest.Algorithm.SHA_256.newMessageDigest();
        for (final DigestTable.Cursor cursor = list.cursor(); cursor.next(); ) {
            sum.update(cursor.digest().hash());
            sum.update(ascii(Long.toString(cursor.sizeBytes())));
        }
        return HexFormat.of().formatHex(sum.digest());
    }

    /** Returns whether earlier runs finished slices that do not count, as they were to do less or other than this one. */
    boolean startsOver() {
        return startsOver;
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
            store.commit(
                    job,
                    new Progress(Map.of(
                            FINISHED, ascii(String.join(",", prefixes)),
                            SINCE, ascii(Long.toString(sinceNs)),
                            COPIES, ascii(copies))));
        } catch (final IOException e) {
            LOG.warn("checkpoint not written, the next run reads slice {} again: {}", prefix, e.getMessage());
        }
    }
}
