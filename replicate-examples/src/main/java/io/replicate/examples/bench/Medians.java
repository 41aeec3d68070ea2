package io.replicate.examples.bench;

import java.util.Arrays;

/** The middle of some measurements. */
final class Medians {
    private Medians() {}

    /** Returns the median; NaN of nothing. */
    static double of(final double... values) {
        if (values.length == 0) {
            return Double.NaN;
        }
        final double[] sorted = values.clone();
        Arrays.sort(sorted);
        final int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
