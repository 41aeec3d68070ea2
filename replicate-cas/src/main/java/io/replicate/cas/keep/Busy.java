package io.replicate.cas.keep;

import io.replicate.cas.internal.http.HttpAnswer;
import java.util.concurrent.ThreadLocalRandom;

/** How long to leave servers alone: what they ask for, else twice as long each time, part of it at random. */
final class Busy {
    /** How many rounds of nothing but busy servers are waited out before a block is given up. */
    static final int MAX_ROUNDS = 12;

    private static final long FIRST_NS = 250_000_000L;
    private static final long LONGEST_NS = 10_000_000_000L;
    private static final long LONGEST_ASKED_SECONDS = 60;
    private static final int MAX_SHIFT = 10;

    private Busy() {}

    static boolean isBusy(final int status) {
        return status == 429 || status == 503;
    }

    /** Returns whether the same request may succeed there later. */
    static boolean isTemporary(final int status) {
        return status == 408 || status == 429 || status >= 500;
    }

    /** Returns the pause before round {@code round}, counted from 1, in nanoseconds. */
    static long pauseNs(final int round) {
        final long fullNs = Math.min(LONGEST_NS, FIRST_NS << Math.min(MAX_SHIFT, round - 1));
        return fullNs / 2 + ThreadLocalRandom.current().nextLong(fullNs / 2);
    }

    /** Returns the pause that a busy server asks for, or that of the round. */
    static long pauseNs(final HttpAnswer answer, final int round) {
        final String asked = answer.header("Retry-After").trim();
        if (asked.matches("\\d{1,6}")) {
            return Math.min(LONGEST_ASKED_SECONDS, Long.parseLong(asked)) * 1_000_000_000L;
        }
        return pauseNs(round);
    }
}
