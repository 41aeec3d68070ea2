package io.replicate.cas.copy;

import io.replicate.cas.index.DigestDiff;
import io.replicate.cas.index.DigestTable;
import io.replicate.core.spi.Digest;
import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What the destination lacks, the largest first, equals in hash order: the same in every run. Used by one thread. */
final class LargestFirst {
    private static final long NUMBER = 0xffff_ffffL;

    private final DigestTable missing;
    /** Inverted size and number in hash order: 8 bytes per content. */
    private final long[] order;

    private int next;

    private LargestFirst(final DigestTable missing, final long[] order) {
        this.missing = missing;
        this.order = order;
    }

    /** Sorts what only the source has; the walk is used up. */
    static LargestFirst of(final DigestDiff walk, final Predicate<DigestDiff> takes) {
        final DigestTable missing = new DigestTable(walk.algorithm(), 0);
        for (DigestDiff.Side side = walk.next(); side != null; side = walk.next()) {
            if (side == DigestDiff.Side.SOURCE_ONLY && takes.test(walk)) {
                missing.add(walk.source().digest().hash(), walk.source().sizeBytes(), 0);
            }
        }
        missing.seal();
        final long[] order = new long[Math.toIntExact(missing.size())];
        final DigestTable.Cursor cursor = missing.cursor();
        for (int i = 0; cursor.next(); i++) {
            order[i] = (Integer.MAX_VALUE - cursor.sizeBytes()) << Integer.SIZE | i;
        }
        Arrays.sort(order);
        return new LargestFirst(missing, order);
    }

    /** Returns the next content, or null behind the last. */
    @Nullable
    Digest next() {
        return next == order.length ? null : missing.at(order[next++] & NUMBER);
    }
}
