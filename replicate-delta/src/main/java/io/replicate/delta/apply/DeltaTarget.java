package io.replicate.delta.apply;

import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.CutStreamException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.StreamReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A target that deltas are merged into. Whatever happens to a merge, the target is what it was before, or what the delta
 * makes of it, once it has been opened again: opening replays what was committed. Used by one thread.
 *
 * <p>The order of an atomic merge: the stream is spooled, checked whole and synced; the undo, if one is kept, is written
 * and synced; the state REDO is written and synced (this is the commit); the spool is applied, the target synced; the
 * state IDLE is written and synced; the spool is removed.
 */
public final class DeltaTarget implements AutoCloseable {
    private static final int RETELL_BYTES = 1 << 20;

    private TargetImage image;
    private final StateDirectory directory;
    private final StateLog log;
    private final UndoLog undo;
    private final Companion companion;
    private final Cloner cloner;
    private TargetState state;
    private boolean recovered;

    /** What is kept beside a target and changes with it: the hash tree. */
    public interface Companion {
        /** Nothing. */
        Companion NONE = new Companion() {
            @Override
            public RangeListener begin(final TargetImage image, final long imageBytes) {
                return RangeListener.NONE;
            }

            @Override
            public void commit(final String generation) {}

            @Override
            public void invalidate() {}
        };

        /** Returns who hears of the changes that are about to be made; begun again after a crash. */
        RangeListener begin(TargetImage image, long imageBytes) throws IOException;

        /** Makes what it learned durable, before the state says that the change is complete. */
        void commit(String generation) throws IOException;

        /** Is told that the target will be changed without anybody listening. */
        void invalidate() throws IOException;
    }

    private DeltaTarget(
            final TargetImage image, final StateDirectory directory, final Companion companion, final Cloner cloner)
            throws IOException {
        this.image = image;
        this.directory = directory;
        this.companion = companion;
        this.cloner = cloner;
        this.log = new StateLog(directory);
        this.undo = new UndoLog(directory);
        this.state = log.load();
    }

    /**
     * Opens a target and completes what an earlier merge had committed. Takes over the image and the directory.
     *
     * @throws ReplicationException CORRUPT when a committed spool is damaged.
     */
    public static DeltaTarget open(
            final TargetImage image, final StateDirectory directory, final Companion companion, final Cloner cloner)
            throws IOException {
        final DeltaTarget target = new DeltaTarget(image, directory, companion, cloner);
        target.recover();
        return target;
    }

    /** Returns the generation that the target is at; empty when it is not known. */
    public String generation() {
        return state.generation();
    }

    /** Returns the size of the image in the target; that of the target itself when no delta told. */
    public long imageBytes() throws IOException {
        return state.imageBytes() > 0 ? state.imageBytes() : image.size();
    }

    /** Returns whether opening the target had to complete an interrupted merge. */
    public boolean recovered() {
        return recovered;
    }

    /** Returns whether an in-place merge was begun and not finished. */
    public boolean torn() {
        return state.phase() == TargetState.Phase.IN_PLACE;
    }

    /** Returns how many generations {@link #rollback} can go back. */
    public int undoGenerations() throws IOException {
        return undo.sequences().size();
    }

    /** Returns the image itself; it must not be written beside the merges. */
    public TargetImage image() {
        return image;
    }

    /** Returns the directory of the state, for what is kept beside the merges. */
    public StateDirectory directory() {
        return directory;
    }

    private void recover() throws IOException {
        if (state.phase() == TargetState.Phase.REDO) {
            replay(true);
            recovered = true;
        }
        if (state.phase() == TargetState.Phase.CLONE) {
            completeClone();
            directory.delete(Spool.PART);
            recovered = true;
        }
        if (state.phase() == TargetState.Phase.IDLE) {
            cloner.discard();
            directory.delete(Spool.WHOLE);
            undo.removeStray(state.sequence());
        }
    }

    /** Gives the committed clone the target's name, if it has not got it yet. What was kept beside is made anew later. */
    private void completeClone() throws IOException {
        final boolean renamed = cloner.targetId() == state.inode();
        if (!renamed && cloner.cloneId() != state.inode()) {
            store(state.idle(state.generation(), state.imageBytes())); // the clone is gone: the target is the old one
            return;
        }
        companion.invalidate();
        if (!renamed) {
            cloner.publish();
        }
        image.close();
        image = cloner.reopen();
        store(state.idle(state.next(), state.imageBytes()));
    }

    /** Applies the committed spool; from the beginning, whatever was applied before. */
    private long replay(final boolean afterCrash) throws IOException {
        final long written;
        try (StateFile spool = directory.open(Spool.WHOLE)) {
            if (afterCrash && !Spool.sha256(spool, state.spoolBytes()).equals(state.spoolSha256())) {
                throw ReplicationException.corrupt("the committed spool " + Spool.WHOLE
                        + " is damaged: the target is half changed; bring it to generation " + state.next()
                        + " with --repair against the source");
            }
            final StoreReader store = StoreReader.open(spool, Spool.WHOLE);
            try (ExceptionList exceptions = store.exceptions(false)) {
                final RangeListener listener = companion.begin(image, state.imageBytes());
                written = new Applier(store, image, state.imageBytes(), listener, new Cancellation()).apply(exceptions);
            }
        }
        image.flush();
        companion.commit(state.next());
        store(state.idle(state.next(), state.imageBytes()));
        directory.delete(Spool.WHOLE);
        return written;
    }

    private void store(final TargetState next) throws IOException {
        log.store(next);
        state = next;
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
        return merge(check -> Spool.receive(directory, in, where, options.lenient(), 0, check), options);
    }

    /** As {@link #merge(ReadableByteChannel, String, MergeOptions)}, for a store that can be read anywhere. */
    public Merged merge(final StoreReader store, final MergeOptions options) throws IOException {
        return merge(
                check -> Spool.copy(
                        directory,
                        store.header(),
                        store.exceptions(options.lenient()),
                        ChunkData.ofStore(store),
                        check),
                options);
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
        final Marker marker = new Marker(imageBytes, chunks.size(), StreamIds.random(), "", generation);
        final HeaderChunk header = new HeaderChunk(new SnapHeader(layout), marker);
        return merge(
                check -> Spool.copy(directory, header, chunks, data, check),
                new MergeOptions(false, true, 0, false, false, cancellation));
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
        if (!directory.exists(Spool.PART)) {
            throw ReplicationException.misuse("there is no cut merge of this target to go on with");
        }
        return merge(
                check -> {
                    try (StateFile part = directory.open(Spool.PART)) {
                        PartialSpool.require(part, token);
                        return Spool.receive(
                                directory,
                                new Spliced(new FileIn(part, token.offset()), in),
                                where,
                                options.lenient(),
                                token.offset(),
                                check);
                    }
                },
                options);
    }

    /** Returns whether a cut merge may be gone on with. */
    public boolean interrupted() throws IOException {
        return directory.exists(Spool.PART);
    }

    /**
     * Returns where a cut merge can be gone on with.
     *
     * @throws ReplicationException MISUSE when there is none.
     */
    public ResumeToken position() throws IOException {
        if (!directory.exists(Spool.PART)) {
            throw ReplicationException.misuse("there is no cut merge of this target to go on with");
        }
        try (StateFile part = directory.open(Spool.PART)) {
            return PartialSpool.token(part);
        }
    }

    private interface Reception {
        Spool.Received receive(Spool.HeaderCheck check) throws IOException;
    }

    private Merged merge(final Reception reception, final MergeOptions options) throws IOException {
        requireNotTorn(options);
        final BaseCheck check = new BaseCheck(state.generation(), image.size(), options.anyBase());
        final boolean[] applied = new boolean[1];
        final Spool.Received received;
        try {
            received = reception.receive(header -> {
                applied[0] = !options.anyBase() && alreadyApplied(header.marker());
                if (!applied[0]) {
                    check.header(header);
                }
            });
        } catch (final IOException e) {
            if (!canGoOn(e)) {
                directory.delete(Spool.PART);
            }
            throw e;
        }
        try (ExceptionList exceptions = received.exceptions()) {
            final StreamReader.Result result = received.result();
            final SnapLayout layout = result.header().layout();
            final SnapReport report = new SnapReport(layout, exceptions.size());
            if (applied[0]) {
                directory.delete(Spool.PART);
                return new Merged(
                        report,
                        0,
                        Committed.ATOMIC,
                        state.generation(),
                        List.of("the target is at generation " + state.generation() + " already: nothing was changed"));
            }
            final long imageBytes = check.imageBytes(result.header());
            try {
                check.places(exceptions, layout, imageBytes);
                check.samples(result.samples(), image);
            } catch (final ReplicationException e) {
                directory.delete(Spool.PART);
                throw e;
            }
            final List<String> notes = notes(result.header());
            if (options.dryRun()) {
                directory.delete(Spool.PART);
                return new Merged(report, 0, Committed.ATOMIC, state.generation(), notes);
            }
            final Merged merged = commit(received, imageBytes, report, notes, options);
            undo.keep(options.undoGenerations());
            directory.sync();
            return merged;
        }
    }

    private Merged commit(
            final Spool.Received received,
            final long imageBytes,
            final SnapReport report,
            final List<String> notes,
            final MergeOptions options)
            throws IOException {
        final StreamReader.Result result = received.result();
        final @Nullable Marker marker = result.header().marker();
        final String named = marker == null ? "" : marker.generation();
        final boolean nameIt = named.isEmpty() && options.undoGenerations() > 0;
        final String next = nameIt ? BaseCheck.LOCAL + StreamIds.random() : named;
        if (options.undoGenerations() > 0) {
            undo.write(state, next, received.exceptions(), result.header().layout(), image, imageBytes);
        }
        options.cancellation().check();
        final @Nullable TargetImage clone = options.reflink() ? cloner.make() : null;
        if (clone != null) {
            final long written = commitClone(clone, received, imageBytes, next);
            return new Merged(report, written, Committed.ATOMIC, next, notes);
        }
        directory.rename(Spool.PART, Spool.WHOLE);
        directory.sync();
        store(state.redo(next, imageBytes, result.bodyBytes(), result.bodySha256()));
        // Committed: from here on the merge is completed, now or by whoever opens the target next.
        final long written = replay(false);
        return new Merged(report, written, Committed.ATOMIC, next, notes);
    }

    /** Changes the clone, and lets it take the place of the target; readers see one or the other. */
    private long commitClone(
            final TargetImage clone, final Spool.Received received, final long imageBytes, final String next)
            throws IOException {
        final long written;
        boolean committed = false;
        try (StateFile spool = directory.open(Spool.PART)) {
            final StoreReader store = StoreReader.open(spool, Spool.PART);
            written = new Applier(store, clone, imageBytes, RangeListener.NONE, new Cancellation())
                    .apply(received.exceptions());
            clone.flush();
            store(state.clone(next, imageBytes, cloner.cloneId()));
            committed = true;
            cloner.publish();
            image.close();
            image = clone;
            final RangeListener listener = companion.begin(clone, imageBytes);
            if (listener != RangeListener.NONE) {
                retell(received, imageBytes, listener);
            }
        } finally {
            if (!committed) {
                clone.close();
                cloner.discard();
            }
        }
        companion.commit(next);
        store(state.idle(next, imageBytes));
        directory.delete(Spool.PART);
        return written;
    }

    /** Tells a listener of what was changed, from the changed image. */
    private void retell(final Spool.Received received, final long imageBytes, final RangeListener listener)
            throws IOException {
        final long chunk = received.result().header().layout().chunkBytes();
        final ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(chunk, RETELL_BYTES));
        try (Pairs pairs = received.exceptions().sorted()) {
            while (pairs.next()) {
                final long end = Math.min(imageBytes, (pairs.oldChunk() + 1) * chunk);
                for (long at = pairs.oldChunk() * chunk; at < end; at += buffer.limit()) {
                    image.read(at, buffer.clear().limit((int) Math.min(buffer.capacity(), end - at)));
                    listener.written(at, buffer.flip());
                }
            }
        }
        listener.done();
    }

    private boolean alreadyApplied(final @Nullable Marker marker) {
        return marker != null
                && !marker.generation().isEmpty()
                && marker.generation().equals(state.generation())
                && !marker.base().equals(marker.generation());
    }

    private void requireNotTorn(final MergeOptions options) throws ReplicationException {
        if (torn() && !options.anyBase()) {
            throw ReplicationException.misuse("an in-place merge of this target was interrupted: it is a mixture of two"
                    + " generations. Run the same merge with --in-place again, or --repair it");
        }
    }

    private List<String> notes(final HeaderChunk header) {
        final List<String> notes = new ArrayList<>();
        final @Nullable Marker marker = header.marker();
        if (marker == null) {
            notes.add("a bare stream: its structure and the size of the target were checked; its content and its base"
                    + " could not be");
        } else if (marker.base().isEmpty() || state.generation().isEmpty()) {
            notes.add("the base was checked by samples only: "
                    + (marker.base().isEmpty() ? "the delta names none" : "the target's generation is not known"));
        }
        return notes;
    }

    /**
     * Merges a stream while it comes in: a crash or a cut stream leaves a mixture.
     *
     * @throws ReplicationException when the merge cannot be begun, or had to be broken off.
     */
    public Merged mergeInPlace(final ReadableByteChannel in, final String where, final MergeOptions options)
            throws IOException {
        final BaseCheck check = new BaseCheck(state.generation(), image.size(), options.anyBase());
        final TargetState before = state;
        try (ExceptionList exceptions = new ExceptionList()) {
            final ForwardApplier applier = new ForwardApplier(
                    image,
                    check,
                    header -> beginInPlace(header, check.imageBytes(header)),
                    options.cancellation(),
                    exceptions);
            final StreamReader.Result result = new StreamReader(in, where, options.lenient()).read(applier);
            applier.drain();
            image.flush();
            exceptions.requireUnique(where);
            check.samples(result.samples(), image);
            final List<String> notes = notes(result.header());
            store(state.idle(state.next(), before.imageBytes()));
            return new Merged(
                    new SnapReport(result.header().layout(), exceptions.size()),
                    applier.written(),
                    Committed.IN_PLACE,
                    state.generation(),
                    notes);
        }
    }

    /** As {@link #mergeInPlace(ReadableByteChannel, String, MergeOptions)}, for a store that can be read anywhere. */
    public Merged mergeInPlace(final StoreReader store, final MergeOptions options) throws IOException {
        final BaseCheck check = new BaseCheck(state.generation(), image.size(), options.anyBase());
        check.header(store.header());
        final TargetState before = state;
        final long imageBytes = check.imageBytes(store.header());
        try (ExceptionList exceptions = store.exceptions(options.lenient())) {
            check.places(exceptions, store.layout(), imageBytes);
            final List<String> notes = notes(store.header());
            beginInPlace(store.header(), imageBytes);
            final long written =
                    new Applier(store, image, imageBytes, RangeListener.NONE, options.cancellation()).apply(exceptions);
            image.flush();
            store(state.idle(state.next(), before.imageBytes()));
            return new Merged(
                    new SnapReport(store.layout(), exceptions.size()),
                    written,
                    Committed.IN_PLACE,
                    state.generation(),
                    notes);
        }
    }

    private void beginInPlace(final HeaderChunk header, final long imageBytes) throws IOException {
        final @Nullable Marker marker = header.marker();
        companion.invalidate();
        undo.removeStray(0);
        directory.sync();
        store(state.inPlace(marker == null ? "" : marker.generation(), imageBytes));
    }

    /**
     * Goes back one generation, atomically.
     *
     * @throws ReplicationException MISUSE when none was kept.
     */
    public Merged rollback() throws IOException {
        requireNotTorn(MergeOptions.DEFAULT);
        final List<Long> kept = undo.sequences();
        for (int i = kept.size() - 1; i >= 0; i--) {
            final String name = UndoLog.name(kept.get(i));
            final @Nullable Merged merged = rollbackTo(name);
            directory.delete(name);
            directory.sync();
            if (merged != null) {
                return merged;
            }
        }
        throw ReplicationException.misuse("no generation is kept to go back to: merge with --undo N to keep some");
    }

    /** Merges an undo; null when a crash left it behind though it was merged already. */
    private @Nullable Merged rollbackTo(final String name) throws IOException {
        try (StateFile file = directory.open(name)) {
            final @Nullable Marker marker =
                    StoreReader.open(file, name).header().marker();
            if (marker == null || !marker.base().equals(state.generation())) {
                return null;
            }
            final BaseCheck check = new BaseCheck(state.generation(), image.size(), false);
            final Spool.Received received = Spool.receive(directory, new FileIn(file), name, false, 0, check::header);
            try (ExceptionList exceptions = received.exceptions()) {
                final SnapLayout layout = received.result().header().layout();
                final long imageBytes = check.imageBytes(received.result().header());
                check.places(exceptions, layout, imageBytes);
                return commit(
                        received,
                        imageBytes,
                        new SnapReport(layout, exceptions.size()),
                        List.of(),
                        MergeOptions.DEFAULT);
            }
        }
    }

    private static boolean canGoOn(final IOException failure) {
        return failure instanceof CutStreamException
                || ReplicationException.categoryOf(failure) == ReplicationException.Category.RETRY
                || !(failure instanceof ReplicationException || failure instanceof PosixException);
    }

    /** Says that the whole target was replaced, durably, by a full copy of this generation. */
    public void replaced(final String generation, final long imageBytes) throws IOException {
        companion.invalidate();
        undo.removeStray(0);
        directory.delete(Spool.PART);
        directory.sync();
        store(state.idle(generation, imageBytes));
    }

    /** Removes the state when there is nothing worth remembering, and lets go of the target. */
    @Override
    public void close() throws IOException {
        final TargetImage opened = image;
        try (opened;
                directory) {
            final List<String> names = directory.names();
            if (state.phase() == TargetState.Phase.IDLE
                    && state.generation().isEmpty()
                    && names.stream().allMatch(n -> n.equals(StateLog.NAME) || n.equals(NativeStateDirectory.LOCK))) {
                directory.delete(StateLog.NAME);
            }
        }
    }
}
