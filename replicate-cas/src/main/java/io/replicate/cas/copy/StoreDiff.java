package io.replicate.cas.copy;

import io.replicate.cas.index.DigestDiff;
import io.replicate.cas.index.DigestTable;
import io.replicate.cas.index.SizeConflict;
import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;

/** Compares the indexes of two stores without touching either. */
public final class StoreDiff {

    /** What is said of a content; the sign leads its line. */
    public enum Sign {
        /** Both have it. */
        SAME('='),
        /** Only the source has it: a copy would bring it. */
        SOURCE_ONLY('+'),
        /** Only the destination has it. */
        DESTINATION_ONLY('-'),
        /** Both have it, and the listed sizes differ: a copy is damaged. */
        DIFFERS('!');

        private final char character;

        Sign(final char character) {
            this.character = character;
        }

        /** Returns the character that stands for it. */
        public char character() {
            return character;
        }
    }

    /** Hears of every content of either store, in hash order. */
    @FunctionalInterface
    public interface Lines {
        /** Takes one content. */
        void line(Sign sign, Digest digest) throws IOException;
    }

    private StoreDiff() {}

    /**
     * Compares.
     *
     * @param indexesLeft hears how many indexes are still to be read.
     * @return whether both have the same contents.
     */
    public static boolean compare(
            final CasStore source,
            final CasStore destination,
            final String prefix,
            final BlockFilter filter,
            final Cancellation cancellation,
            final IntConsumer indexesLeft,
            final Lines lines)
            throws IOException {
        final DigestTable sourceTable = new DigestTable(source.algorithm(), 0);
        final DigestTable destinationTable = new DigestTable(destination.algorithm(), 0);
        final List<SideIndexes.Job> jobs = new ArrayList<>(SideIndexes.of(source, prefix, filter, sourceTable));
        jobs.addAll(SideIndexes.of(destination, prefix, BlockFilter.ALL, destinationTable));
        final int[] left = {jobs.size()};
        indexesLeft.accept(left[0]);
        SideIndexes.run(jobs, cancellation, () -> indexesLeft.accept(--left[0]));
        sourceTable.seal();
        destinationTable.seal();
        final Set<Digest> conflicts = new HashSet<>();
        sourceTable.conflicts().stream().map(SizeConflict::digest).forEach(conflicts::add);
        destinationTable.conflicts().stream().map(SizeConflict::digest).forEach(conflicts::add);
        boolean same = true;
        final DigestDiff diff = new DigestDiff(sourceTable, destinationTable);
        for (DigestDiff.Side side = diff.next(); side != null; side = diff.next()) {
            final Sign sign = sign(side, diff, conflicts);
            if (side != DigestDiff.Side.SOURCE_ONLY
                    || filter.takesSize(diff.source().sizeBytes())) {
                same &= sign == Sign.SAME;
                lines.line(sign, diff.digest());
            }
        }
        return same;
    }

    private static Sign sign(final DigestDiff.Side side, final DigestDiff diff, final Set<Digest> conflicts) {
        return switch (side) {
            case SOURCE_ONLY -> Sign.SOURCE_ONLY;
            case DESTINATION_ONLY -> Sign.DESTINATION_ONLY;
            case BOTH ->
                diff.source().sizeBytes() != diff.destination().sizeBytes() || conflicts.contains(diff.digest())
                        ? Sign.DIFFERS
                        : Sign.SAME;
        };
    }
}
