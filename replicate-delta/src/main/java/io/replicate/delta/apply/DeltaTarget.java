package io.replicate.delta.apply;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.Trailer;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.List;

/**
 * A target that deltas are merged into. Whatever happens to a merge, the target is what it was before, or what the delta
 * makes of it, once it has been opened again: opening replays what was committed. Used by one thread.
 *
 * <p>The order of an atomic merge: the stream is spooled, checked whole and synced; the undo, if one is kept, is written
 * and synced; the state REDO is written and synced (this is the commit); the spool is applied, the target synced; the
 * state IDLE is written and synced; the spool is removed.
 */
public final class DeltaTarget implements AutoCloseable {
    private final TargetParts parts;
    private boolean recovered;

    private DeltaTarget(final TargetParts parts) {
        this.parts = parts;
    }

    /**
     * Opens a target and completes what an earlier merge had committed. Takes over the image and the directory.
     *
     * @throws ReplicationException CORRUPT when a committed spool is damaged.
     */
    public static DeltaTarget open(
            final TargetImage image, final StateDirectory directory, final Companion companion, final Cloner cloner)
            throws IOException {
        final DeltaTarget target = new DeltaTarget(new TargetParts(image, directory, companion, cloner));
        target.recover();
        return target;
    }

    private void recover() throws IOException {
        if (parts.state().phase() == TargetState.Phase.REDO) {
            new RedoCommit(parts).replay();
            recovered = true;
        }
        if (parts.state().phase() == TargetState.Phase.CLONE) {
            new CloneCommit(parts).complete();
            recovered = true;
        }
        if (parts.state().phase() == TargetState.Phase.IDLE) {
            parts.cloner().discard();
            parts.directory().delete(Spool.WHOLE);
            parts.undo().removeStray(parts.state().sequence());
        }
    }

    /** Returns the generation that the target is at; empty when it is not known. */
    public String generation() {
        return parts.state().generation();
    }

    /** Returns the size of the image in the target; that of the target itself when no delta told. */
    public long imageBytes() throws IOException {
        final long known = parts.state().imageBytes();
        return known > 0 ? known : parts.image().size();
    }

    /** Returns whether opening the target had to complete an interrupted merge. */
    public boolean recovered() {
        return recovered;
    }

    /** Returns whether an in-place merge was begun and not finished. */
    public boolean torn() {
        return parts.torn();
    }

    /** Returns how many generations {@link #rollback} can go back. */
    public int undoGenerations() throws IOException {
        return parts.undo().sequences().size();
    }

    /** Returns the image itself; it must not be written beside the merges. */
    public TargetImage image() {
        return parts.image();
    }

    /** Returns the directory of the state, for what is kept beside the merges. */
    public StateDirectory directory() {
        return parts.directory();
    }

    /**
     * Merges a stream, atomically.
     *
     * @param where names the stream in messages.
     * @throws ReplicationException MISUSE when the delta does not belong on this target, CORRUPT when it is cut or
     *     damaged: nothing has been changed then.
     */
    public Merged merge(final ReadableByteChannel in, final String where, final MergeOptions options)
            throws IOException {
        return new AtomicMerge(parts, options)
                .run(check -> Spool.receive(directory(), in, where, options.lenient(), 0, check));
    }

    /** As {@link #merge(ReadableByteChannel, String, MergeOptions)}, for a store that can be read anywhere. */
    public Merged merge(final StoreReader store, final MergeOptions options) throws IOException {
        return new AtomicMerge(parts, options)
                .run(check -> Spool.copy(
                        directory(),
                        store.header(),
                        store.exceptions(options.lenient()),
                        ChunkData.ofStore(store),
                        check));
    }

    /**
     * Checks that what a delta leaves as it is, is here as it is at the source.
     *
     * @param samples taken at the source.
     * @throws ReplicationException MISUSE when something differs: others have written this target.
     */
    public void requireBase(final List<Trailer.Sample> samples) throws IOException {
        parts.check(false).samples(samples, parts.image());
    }

    /**
     * Changes chunks to what they are elsewhere, atomically, whatever the target's generation.
     *
     * @param chunks each once; the list is taken over.
     * @param generation that the target is at afterwards, or empty.
     */
    public Merged repair(
            final SnapLayout layout,
            final ExceptionList chunks,
            final ChunkData data,
            final long imageBytes,
            final String generation,
            final Cancellation cancellation)
            throws IOException {
        final MergeOptions options = new MergeOptions(false, true, 0, false, false, cancellation);
        return merge(layout, chunks, data, imageBytes, "", generation, options);
    }

    /**
     * As {@link #repair}, for a delta: on a target that is not torn, and with an undo where one is wanted.
     *
     * @param base the generation that it changes, or empty.
     */
    public Merged merge(
            final SnapLayout layout,
            final ExceptionList chunks,
            final ChunkData data,
            final long imageBytes,
            final String base,
            final String generation,
            final MergeOptions options)
            throws IOException {
        final Marker marker = new Marker(imageBytes, chunks.size(), StreamIds.random(), base, generation);
        final HeaderChunk header = new HeaderChunk(new SnapHeader(layout), marker);
        return new AtomicMerge(parts, options).run(check -> Spool.copy(directory(), header, chunks, data, check));
    }

    /**
     * Goes on with a merge that was cut.
     *
     * @param in what follows the token.
     * @throws ReplicationException MISUSE when the token is not of what was received here.
     */
    public Merged resume(
            final ResumeToken token, final ReadableByteChannel in, final String where, final MergeOptions options)
            throws IOException {
        return new AtomicMerge(parts, options).run(check -> {
            try (StateFile part = PartialSpool.open(directory())) {
                PartialSpool.require(part, token);
                return Spool.receive(
                        directory(),
                        new Spliced(new FileIn(part, token.offset()), in),
                        where,
                        options.lenient(),
                        token.offset(),
                        check);
            }
        });
    }

    /** Returns whether a cut merge may be gone on with. */
    public boolean interrupted() throws IOException {
        return directory().exists(Spool.PART);
    }

    /**
     * Returns where a cut merge can be gone on with.
     *
     * @throws ReplicationException MISUSE when there is none.
     */
    public ResumeToken position() throws IOException {
        try (StateFile part = PartialSpool.open(directory())) {
            return PartialSpool.token(part);
        }
    }

    /**
     * Merges a stream while it comes in: a crash or a cut stream leaves a mixture.
     *
     * @throws ReplicationException when the merge cannot be begun, or had to be broken off.
     */
    public Merged mergeInPlace(final ReadableByteChannel in, final String where, final MergeOptions options)
            throws IOException {
        return new InPlaceMerge(parts, options).stream(in, where);
    }

    /** As {@link #mergeInPlace(ReadableByteChannel, String, MergeOptions)}, for a store that can be read anywhere. */
    public Merged mergeInPlace(final StoreReader store, final MergeOptions options) throws IOException {
        return new InPlaceMerge(parts, options).store(store);
    }

    /**
     * Goes back one generation, atomically.
     *
     * @throws ReplicationException MISUSE when none was kept.
     */
    public Merged rollback() throws IOException {
        return new Rollback(parts).run();
    }

    /** Says, durably, that the whole target is about to be replaced: until it was, it is a mixture. */
    public void replacing(final String generation) throws IOException {
        parts.store(parts.state().inPlace(generation, parts.state().imageBytes()));
    }

    /** Takes back {@link #replacing}: nothing was written. */
    public void notReplaced() throws IOException {
        parts.store(parts.state().idle(parts.state().generation(), parts.state().imageBytes()));
    }

    /** Says that the whole target was replaced, durably, by a full copy of this generation. */
    public void replaced(final String generation, final long imageBytes) throws IOException {
        parts.directory().delete(Spool.PART);
        parts.forgetHistory();
        parts.store(parts.state().idle(generation, imageBytes));
    }

    /** Removes the state when there is nothing worth remembering, and lets go of the target. */
    @Override
    public void close() throws IOException {
        try (TargetImage image = parts.image();
                StateDirectory directory = parts.directory()) {
            final List<String> names = directory.names();
            if (parts.state().phase() == TargetState.Phase.IDLE
                    && parts.state().generation().isEmpty()
                    && names.stream().allMatch(n -> n.equals(StateLog.NAME) || n.equals(NativeStateDirectory.LOCK))) {
                directory.delete(StateLog.NAME);
            }
        }
    }
}
