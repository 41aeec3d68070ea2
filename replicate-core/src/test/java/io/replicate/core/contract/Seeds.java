package io.replicate.core.contract;

import java.util.Random;

/** Seeds of random tests: printed, and repeatable with {@code -Dreplicate.seed=…}. */
public final class Seeds {
    private static final String PROPERTY = "replicate.seed";

    private Seeds() {}

    /** Returns a seed for the test that {@code who} names, and prints it. */
    public static long next(final String who) {
        final long seed = Long.getLong(PROPERTY, System.nanoTime());
        System.err.println("seed of " + who + ": -D" + PROPERTY + "=" + seed);
        return seed;
    }

    /** Returns random numbers from {@link #next}. */
    public static Random random(final String who) {
        return new Random(next(who));
    }
}
