package io.replicate.delta.cow;

import java.util.Arrays;

/** Sorts pairs of longs by the first of each, in one array, without an object per pair. */
final class PairSort {
    private static final int INDEX_BITS = 24;

    private PairSort() {}

    /** Sorts {@code count} pairs; at most 16 Mi of them. */
    static void sort(final long[] pairs, final int count) {
        if (count > 1 << INDEX_BITS) {
            throw new IllegalArgumentException("sort of " + count + " pairs");
        }
        long max = 0;
        boolean sorted = true;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, pairs[2 * i]);
            sorted &= i == 0 || pairs[2 * i] >= pairs[2 * i - 2];
        }
        if (sorted) {
            return;
        }
        if (max < 1L << (63 - INDEX_BITS)) {
            sortPacked(pairs, count);
        } else {
            sortBoxed(pairs, count);
        }
    }

    /** The key and the index of a pair fit one long together: true of every image up to 2 PiB in 4 KiB chunks. */
    private static void sortPacked(final long[] pairs, final int count) {
        final long[] keys = new long[count];
        for (int i = 0; i < count; i++) {
            keys[i] = pairs[2 * i] << INDEX_BITS | i;
        }
        Arrays.sort(keys);
        final long[] from = Arrays.copyOf(pairs, 2 * count);
        for (int i = 0; i < count; i++) {
            final int index = (int) (keys[i] & ((1 << INDEX_BITS) - 1));
            pairs[2 * i] = from[2 * index];
            pairs[2 * i + 1] = from[2 * index + 1];
        }
    }

    private static void sortBoxed(final long[] pairs, final int count) {
        final long[][] rows = new long[count][];
        for (int i = 0; i < count; i++) {
            rows[i] = new long[] {pairs[2 * i], pairs[2 * i + 1]};
        }
        Arrays.sort(rows, (a, b) -> Long.compare(a[0], b[0]));
        for (int i = 0; i < count; i++) {
            pairs[2 * i] = rows[i][0];
            pairs[2 * i + 1] = rows[i][1];
        }
    }
}
