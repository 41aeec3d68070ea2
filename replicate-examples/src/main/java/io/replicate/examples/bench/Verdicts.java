package io.replicate.examples.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Holds figures against their targets, prints each, and remembers which were missed. */
final class Verdicts {
    private final PrintWriter out;
    private final List<String> missed = new ArrayList<>();

    Verdicts(final PrintWriter out) {
        this.out = out;
    }

    void atLeast(final String what, final double value, final double target) {
        print(what, value, ">=", target, value >= target);
    }

    void atMost(final String what, final double value, final double target) {
        print(what, value, "<=", target, value <= target);
    }

    private void print(
            final String what, final double value, final String sign, final double target, final boolean met) {
        out.printf("%-56s %6.2f  (target %s %.2f) %s%n", what, value, sign, target, met ? "ok" : "MISSED");
        out.flush();
        if (!met) {
            missed.add(what);
        }
    }

    /** Returns what was missed, in order. */
    List<String> missed() {
        return List.copyOf(missed);
    }
}
