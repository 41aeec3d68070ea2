package io.replicate.cas.copy;

import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which slices are copied to their end, as a checkpoint remembers them: what saves the next run the reading of their
 * indexes, and no more than that. Thread-safe.
 */
final class FinishedSlices {
    private static final Logger LOG = LoggerFactory.getLogger(FinishedSlices.class);
    private static final String FINISHED = "finished";

    private final @Nullable Checkpoint store;
    private final JobId job;
    private final Set<String> prefixes = new TreeSet<>();

    private FinishedSlices(final @Nullable Checkpoint store, final JobId job) {
        this.store = store;
        this.job = job;
    }

    /** Loads what earlier runs between the same places have finished; nothing without a checkpoint. */
    static FinishedSlices load(final CasStore source, final CasStore destination, final CopyOptions options)
            throws IOException {
        final JobId job = JobId.of(
                "cas",
                String.join(" ", source.places()),
                String.join(" ", destination.places()),
                options.prefix,
                Integer.toString(options.sliceDigits));
        final FinishedSlices finished = new FinishedSlices(options.checkpoint, job);
        if (options.checkpoint != null) {
            options.checkpoint
                    .load(job)
                    .map(saved -> saved.values().get(FINISHED))
                    .map(text -> List.of(new String(text, StandardCharsets.US_ASCII).split(",")))
                    .ifPresent(finished.prefixes::addAll);
        }
        return finished;
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
            store.commit(job, new Progress(Map.of(FINISHED, text)));
        } catch (final IOException e) {
            LOG.warn("checkpoint not written, the next run reads slice {} again: {}", prefix, e.getMessage());
        }
    }
}
