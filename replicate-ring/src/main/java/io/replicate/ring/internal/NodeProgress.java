package io.replicate.ring.internal;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a node remembers of an unfinished copy: up to where it is durable, the digest so far, and the key of the half-made
 * target. The key is fresh for each new copy and durable before the first byte is written, so a half-made file of another
 * run is never taken for this one's.
 */
final class NodeProgress {
    private static final String IMAGE = "image";
    private static final String KEY = "key";
    private static final String POSITION = "position";
    private static final String DIGEST = "digest";

    private static final int KEY_BYTES = 12;

    private final @Nullable Checkpoint checkpoint;
    private final JobId job;
    private final String image;
    private final Duration interval;
    private String key = "";

    /**
     * Creates the progress of one copy; without a checkpoint nothing is remembered.
     *
     * @param job names the target: of each there is at most one unfinished copy.
     * @param image names what is copied.
     */
    NodeProgress(final @Nullable Checkpoint checkpoint, final JobId job, final String image, final Duration interval) {
        this.checkpoint = checkpoint;
        this.job = job;
        this.image = image;
        this.interval = interval;
    }

    /**
     * What was remembered.
     *
     * @param same whether it is of the same image: if not, only the key of its half-made target is of use.
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record State(boolean same, String key, long position, byte[] digest) {}

    /** Returns what an earlier run of the same copy left. */
    Optional<State> load() throws IOException {
        if (checkpoint == null) {
            return Optional.empty();
        }
        return checkpoint.load(job).flatMap(this::stateOf);
    }

    private Optional<State> stateOf(final Progress progress) {
        final byte @Nullable [] imageBytes = progress.values().get(IMAGE);
        final byte @Nullable [] keyBytes = progress.values().get(KEY);
        final byte @Nullable [] position = progress.values().get(POSITION);
        final byte @Nullable [] digest = progress.values().get(DIGEST);
        if (imageBytes == null
                || keyBytes == null
                || position == null
                || position.length != Long.BYTES
                || digest == null) {
            return Optional.empty();
        }
        final long at = ByteBuffer.wrap(position).getLong();
        final boolean same = Arrays.equals(imageBytes, image.getBytes(StandardCharsets.UTF_8));
        return at < 0 || keyBytes.length != KEY_BYTES
                ? Optional.empty()
                : Optional.of(new State(same, HexFormat.of().formatHex(keyBytes), at, digest));
    }

    /** Goes on with the copy of {@code state}. */
    void resume(final State state) {
        key = state.key();
    }

    /** Begins a new copy: its key is durable on return. */
    void begin(final byte[] digest) throws IOException {
        final byte[] fresh = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(fresh);
        key = HexFormat.of().formatHex(fresh);
        commit(0, digest);
    }

    boolean isKept() {
        return checkpoint != null;
    }

    Duration interval() {
        return interval;
    }

    /** Returns the resume key of the target, or null when nothing is remembered. */
    @Nullable
    String resumeKey() {
        return checkpoint == null ? null : key;
    }

    /** Remembers that everything before {@code position} is durable. */
    void commit(final long position, final byte[] digest) throws IOException {
        if (checkpoint != null) {
            checkpoint.commit(
                    job,
                    new Progress(Map.of(
                            IMAGE,
                            image.getBytes(StandardCharsets.UTF_8),
                            KEY,
                            HexFormat.of().parseHex(key),
                            POSITION,
                            ByteBuffer.allocate(Long.BYTES).putLong(position).array(),
                            DIGEST,
                            digest)));
        }
    }

    /** Forgets the copy: it is finished, or was found to be wrong. */
    void forget() throws IOException {
        if (checkpoint != null) {
            checkpoint.forget(job);
        }
    }

    /** Closes the checkpoint. */
    void close() throws IOException {
        if (checkpoint != null) {
            checkpoint.close();
        }
    }
}
