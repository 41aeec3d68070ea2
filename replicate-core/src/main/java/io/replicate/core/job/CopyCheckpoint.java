package io.replicate.core.job;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a copy of extents remembers between two runs. Protocol: before the target is touched, a random key is made
 * durable here, and the target is begun under that key; so a half-made target is only ever continued by the job that made
 * it. A done-set that is not to be trusted (the source changed, the target is not there) is emptied here, durably, before
 * anything is written. Used by one thread.
 */
final class CopyCheckpoint {
    private static final Logger LOG = LoggerFactory.getLogger(CopyCheckpoint.class);
    private static final int KEY_BYTES = 16;
    private static final String FORMAT = "format";
    private static final String EXTENTS_1 = "extents 1";
    private static final String KEY = "key";
    private static final String SOURCE = "source";

    private final Checkpoint checkpoint;
    private final JobId job;
    private final String sourceIdentity;
    private final String key;
    private DoneSet loaded;

    private CopyCheckpoint(
            final Checkpoint checkpoint,
            final JobId job,
            final String sourceIdentity,
            final String key,
            final DoneSet loaded) {
        this.checkpoint = checkpoint;
        this.job = job;
        this.sourceIdentity = sourceIdentity;
        this.key = key;
        this.loaded = loaded;
    }

    /**
     * Finds what an earlier run left, or begins anew; on return the key is durable.
     *
     * @param sourceIdentity tells this content of the source from another.
     */
    static CopyCheckpoint open(final Checkpoint checkpoint, final JobId job, final String sourceIdentity)
            throws IOException {
        final Optional<Progress> found = checkpoint.load(job);
        if (found.isEmpty()) {
            final CopyCheckpoint fresh =
                    new CopyCheckpoint(checkpoint, job, sourceIdentity, randomKey(), new DoneSet());
            fresh.commit(fresh.loaded.save());
            return fresh;
        }
        final Progress progress = found.get();
        if (!EXTENTS_1.equals(text(progress, FORMAT))) {
            throw ReplicationException.misuse("checkpoint of job " + job + " has the format '" + text(progress, FORMAT)
                    + "', not '" + EXTENTS_1 + "': it belongs to something else; name another checkpoint");
        }
        final String key = text(progress, KEY);
        if (!key.matches("[0-9a-f]{" + 2 * KEY_BYTES + "}")) {
            throw ReplicationException.corrupt("checkpoint of job " + job + ": resume key '" + key + "'");
        }
        final CopyCheckpoint resumed = new CopyCheckpoint(checkpoint, job, sourceIdentity, key, load(job, progress));
        if (!sourceIdentity.equals(text(progress, SOURCE))) {
            LOG.warn(
                    "the source changed since the last run ({} then, {} now): starting over",
                    text(progress, SOURCE),
                    sourceIdentity);
            resumed.distrust();
        }
        return resumed;
    }

    private static DoneSet load(final JobId job, final Progress progress) throws IOException {
        try {
            return DoneSet.load(progress);
        } catch (final ReplicationException e) {
            throw new ReplicationException(
                    e.category(),
                    "checkpoint of job " + job + ": " + e.getMessage() + "; remove it to start from the beginning",
                    e);
        }
    }

    private static String text(final Progress progress, final String name) {
        final byte @Nullable [] value = progress.values().get(name);
        return value == null ? "" : new String(value, StandardCharsets.UTF_8);
    }

    private static String randomKey() {
        final byte[] key = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(key);
        return HexFormat.of().formatHex(key);
    }

    /** Returns the key to begin the target with. */
    String resumeKey() {
        return key;
    }

    /** Empties the done-set, durably. */
    void distrust() throws IOException {
        loaded = new DoneSet();
        commit(loaded.save());
    }

    /** Returns what is done. */
    DoneSet done() {
        return loaded;
    }

    /** Makes a state durable, which {@link DoneSet#save()} returned before the last flush of the target. */
    void commit(final Map<String, byte[]> doneSet) throws IOException {
        final Map<String, byte[]> values = new HashMap<>(doneSet);
        values.put(FORMAT, EXTENTS_1.getBytes(StandardCharsets.UTF_8));
        values.put(KEY, key.getBytes(StandardCharsets.UTF_8));
        values.put(SOURCE, sourceIdentity.getBytes(StandardCharsets.UTF_8));
        checkpoint.commit(job, new Progress(values));
    }

    /** Forgets the job: the copy is complete. */
    void forget() throws IOException {
        checkpoint.forget(job);
    }

    /** Leaves nothing behind of a job whose target could not be begun, unless an earlier run got further. */
    void forgetIfNothingIsDone(final IOException why) {
        if (loaded.doneBytes() > 0) {
            return;
        }
        try {
            forget();
        } catch (final IOException e) {
            why.addSuppressed(e);
        }
    }
}
