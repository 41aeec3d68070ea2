package io.replicate.cas.copy;

import io.replicate.cas.index.DigestDiff;
import io.replicate.cas.index.DigestTable;
import io.replicate.cas.index.SizeConflict;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.Contents;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds out, slice by slice, what a copy has to do: what the source's index has and the destination's has not, by hash;
 * and, where that is wanted, what has too few copies or lies in the wrong place. Only the tables of one slice are in
 * memory. Used by one thread at a time.
 */
public final class CopyPlan {
    private static final int MAX_SLICE_DIGITS = 3;

    private final CasStore source;
    private final CasStore destination;
    private final CopyOptions options;
    private final CopyListener listener;
    private final Cancellation cancellation;
    private final int defaultCopies;
    private final Deque<String> slices = new ArrayDeque<>();
    private final AtomicInteger indexesLeft = new AtomicInteger();
    private @Nullable Slice slice;
    private @Nullable DigestDiff walk;
    private @Nullable LargestFirst largestFirst;
    private boolean announced;
    private long largest;
    private CopyListener.Counts counts = new CopyListener.Counts(0, 0, 0, 0, 0, 0, 0);

    /**
     * Prepares a comparison; nothing is read yet.
     *
     * @param finished slices of an earlier run that are left out.
     * @throws ReplicationException MISUSE when the stores cannot be compared or an option makes no sense.
     */
    public CopyPlan(
            final CasStore source,
            final CasStore destination,
            final CopyOptions options,
            final CopyListener listener,
            final Cancellation cancellation,
            final Set<String> finished)
            throws IOException {
        if (source.algorithm() != destination.algorithm()) {
            throw ReplicationException.misuse(source.name() + " names contents by " + source.algorithm() + ", "
                    + destination.name() + " by " + destination.algorithm() + ": they cannot be copied to each other");
        }
        if (options.needsPlaces() && !destination.tellsPlacesApart()) {
            throw ReplicationException.misuse(destination.name()
                    + ": copies can only be counted and placed on the stores themselves, not behind a proxy");
        }
        Contents.checkPrefix(source.algorithm(), options.prefix);
        if (options.sliceDigits < 0 || options.sliceDigits > MAX_SLICE_DIGITS) {
            throw ReplicationException.misuse("slices of " + options.sliceDigits + " digits: expected 0 to 3");
        }
        this.source = source;
        this.destination = destination;
        this.options = options;
        this.listener = listener;
        this.cancellation = cancellation;
        this.defaultCopies = options.copies > 0 ? options.copies : destination.defaultCopies();
        for (int i = 0; i < (1 << (4 * options.sliceDigits)); i++) {
            final String digits =
                    options.sliceDigits == 0 ? "" : String.format(Locale.ROOT, "%0" + options.sliceDigits + "x", i);
            if (!finished.contains(options.prefix + digits)) {
                slices.add(options.prefix + digits);
            }
        }
        final int sources = options.plan == null ? source.places().size() : 0;
        indexesLeft.set(slices.size() * (sources + destination.places().size()));
    }

    /** Returns how many copies a content gets that has no number of its own. */
    public int defaultCopies() {
        return defaultCopies;
    }

    /** Returns what was found so far. */
    public CopyListener.Counts counts() {
        return counts;
    }

    /** Returns the largest content that is to be read, in bytes, of the slices so far. */
    long largestBytes() {
        return largest;
    }

    /** Returns whether all slices have been compared. */
    boolean isLastSlice() {
        return slices.isEmpty();
    }

    /**
     * Reads the indexes of the first slice, so that {@link #counts()} is of use; without it the first call of
     * {@code next} does.
     */
    public CopyListener.Counts start() throws IOException {
        if (slice == null && !slices.isEmpty()) {
            openSlice(slices.removeFirst());
        }
        return counts;
    }

    /** Returns the next task, or null behind the last; {@code ended} hears of each slice whose tasks are all listed. */
    @Nullable
    CopyTask next(final Consumer<Slice> ended) throws IOException {
        start();
        while (slice != null) {
            final CopyTask task = nextOfSlice();
            if (task != null) {
                return task;
            }
            ended.accept(slice);
            slice = null;
            walk = null;
            if (!slices.isEmpty()) {
                openSlice(slices.removeFirst());
            }
        }
        return null;
    }

    /** Hands out the digests of all tasks, which are then used up: a dry run. */
    public void forEach(final Consumer<Digest> each) throws IOException {
        for (CopyTask task = next(listed -> {}); task != null; task = next(listed -> {})) {
            each.accept(task.digest());
        }
    }

    private void openSlice(final String prefix) throws IOException {
        if (!announced) {
            announced = true;
            listener.indexesLeft(indexesLeft.get());
        }
        final int places = options.needsPlaces() ? destination.places().size() : 0;
        final DigestTable destinationTable = new DigestTable(destination.algorithm(), places);
        final List<SideIndexes.Job> jobs =
                new ArrayList<>(SideIndexes.of(destination, prefix, BlockFilter.ALL, destinationTable));
        DigestTable sourceTable = options.plan;
        if (sourceTable == null) {
            sourceTable = new DigestTable(source.algorithm(), 0);
            jobs.addAll(0, SideIndexes.of(source, prefix, options.filter, sourceTable));
        }
        SideIndexes.run(jobs, cancellation, () -> listener.indexesLeft(indexesLeft.decrementAndGet()));
        sourceTable.seal();
        destinationTable.seal();
        report(source, sourceTable.conflicts());
        report(destination, destinationTable.conflicts());
        slice = new Slice(prefix);
        walk = new DigestDiff(sourceTable, destinationTable);
        count(sourceTable, destinationTable);
        largestFirst = options.order == CopyOptions.Order.LARGEST
                ? LargestFirst.of(new DigestDiff(sourceTable, destinationTable), this::takes)
                : null;
        listener.compared(counts);
    }

    private void report(final CasStore store, final List<SizeConflict> conflicts) {
        if (store instanceof KeepStore keep) {
            keep.noteConflicts(conflicts);
        }
        for (final SizeConflict conflict : conflicts) {
            listener.warning(store.name() + ": " + conflict.digest().hex() + " is listed with sizes "
                    + conflict.sizesBytes() + ": at least one copy is damaged");
        }
    }

    private void count(final DigestTable sourceTable, final DigestTable destinationTable) {
        long missing = 0;
        long missingBytes = 0;
        long topUp = 0;
        long misplaced = 0;
        long few = 0;
        final DigestDiff diff = new DigestDiff(sourceTable, destinationTable);
        for (DigestDiff.Side side = diff.next(); side != null; side = diff.next()) {
            if (side == DigestDiff.Side.SOURCE_ONLY && takes(diff)) {
                missing++;
                missingBytes += diff.source().sizeBytes();
                largest = Math.max(largest, diff.source().sizeBytes());
            } else if (side == DigestDiff.Side.BOTH) {
                reportSizes(diff);
                final Lack lack = options.needsPlaces() ? lackOf(diff) : Lack.NOTHING;
                misplaced += lack.misplaced() ? 1 : 0;
                few += lack.missingCopies() > 0 ? 1 : 0;
                if (lack.isToMend(options)) {
                    topUp++;
                    largest = Math.max(largest, diff.source().sizeBytes());
                }
            }
        }
        counts = new CopyListener.Counts(
                counts.source() + sourceTable.size(),
                counts.destination() + destinationTable.size(),
                counts.missing() + missing,
                counts.missingBytes() + missingBytes,
                counts.topUp() + topUp,
                counts.misplaced() + misplaced,
                counts.underReplicated() + few);
    }

    /** By hash the destination has it; by size one of the sides has only damaged copies. */
    private void reportSizes(final DigestDiff diff) {
        if (diff.source().sizeBytes() != diff.destination().sizeBytes()) {
            listener.warning(
                    diff.digest().hex() + " is listed with " + diff.source().sizeBytes() + " bytes in "
                            + source.name() + " and " + diff.destination().sizeBytes() + " in " + destination.name()
                            + ": the copies of one of them are damaged");
        }
    }

    private boolean takes(final DigestDiff diff) {
        // A plan is what somebody filtered before: it is copied as it is.
        return options.plan == null
                ? options.filter.takesSize(diff.source().sizeBytes())
                : diff.source().digest().hex().startsWith(slicePrefix());
    }

    private String slicePrefix() {
        return slice == null ? options.prefix : slice.prefix();
    }

    private @Nullable CopyTask nextOfSlice() {
        final Slice current = slice;
        final DigestDiff diff = walk;
        if (current == null || diff == null) {
            return null;
        }
        final LargestFirst sorted = largestFirst;
        final Digest next = sorted == null ? null : sorted.next();
        if (next != null) {
            return newContent(current, next);
        }
        for (DigestDiff.Side side = diff.next(); side != null; side = diff.next()) {
            if (side == DigestDiff.Side.SOURCE_ONLY && sorted == null && takes(diff)) {
                return newContent(current, diff.digest());
            }
            if (side == DigestDiff.Side.BOTH && options.needsPlaces()) {
                final Lack lack = lackOf(diff);
                if (lack.isToMend(options)) {
                    return mend(current, diff, lack);
                }
            }
        }
        return null;
    }

    private CopyTask newContent(final Slice current, final Digest digest) {
        current.begin();
        return new CopyTask(current, digest, copiesOf(digest), Set.of(), List.of());
    }

    private int copiesOf(final Digest digest) {
        return options.ownCopies(digest.hash()).orElse(defaultCopies);
    }

    private CopyTask mend(final Slice current, final DigestDiff diff, final Lack lack) {
        current.begin();
        final int copies = options.ensureCopies ? Math.max(0, lack.missingCopies()) : 0;
        final List<Integer> targets = options.fixPlacement ? lack.emptyPlaces() : List.of();
        return new CopyTask(
                current,
                diff.digest(),
                Math.max(0, copies - targets.size()),
                new HashSet<>(diff.destination().places()),
                targets);
    }

    private Lack lackOf(final DigestDiff diff) {
        final Digest digest = diff.destination().digest();
        return Lack.of(destination, digest, diff.destination().places(), copiesOf(digest));
    }

    /** Returns the sum of the bytes that are missing, or UNKNOWN while there are slices to come. */
    long totalBytes() {
        return slices.isEmpty() ? counts.missingBytes() : Unit.UNKNOWN;
    }
}
