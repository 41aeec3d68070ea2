package io.replicate.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class InterleavedTest {
    private static final long GIB = 1L << 30;

    private final StringWriter printed = new StringWriter();
    private final PrintWriter out = new PrintWriter(printed, true);

    private static Interleaved.Contestant taking(final Double... seconds) {
        final Deque<Double> left = new ArrayDeque<>(List.of(seconds));
        return () -> {
            final double next = left.remove();
            return new Interleaved.Run(next, next / 2);
        };
    }

    @Test
    void mediansLeaveTheWarmUpOutAndRatiosCompareNeighboursInTime() throws Exception {
        // The machine is ten times slower in the second round, and that must not show.
        final Interleaved contest = new Interleaved(out, 2 * GIB)
                .add("theirs", taking(99.0, 1.0, 10.0, 1.2))
                .add("ours", taking(1.0, 2.0, 20.0, 2.4));

        contest.run(3);
        contest.table();

        assertThat(contest.seconds("theirs")).isEqualTo(1.2);
        assertThat(contest.timeRatio("ours", "theirs")).isCloseTo(2, within(1e-9));
        assertThat(contest.cpuSecondsPerGib("ours")).isCloseTo(0.6, within(1e-9));
        assertThat(contest.fastest("ours", "theirs")).isEqualTo("theirs");
        assertThat(printed.toString()).contains("warm-up", "round 3", "medians of 3 rounds");
    }

    @Test
    void anUnknownContestantIsAMistake() {
        assertThatThrownBy(() -> new Interleaved(out, 1).seconds("nobody"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatMissesItsTargetIsRemembered() {
        final Verdicts verdicts = new Verdicts(out);

        verdicts.atLeast("speed", 0.79, 0.8);
        verdicts.atLeast("other speed", 0.8, 0.8);
        verdicts.atMost("time", 1.2, 1.1);
        verdicts.atMost("nothing measured", Medians.of(), 1.1);

        assertThat(verdicts.missed()).containsExactly("speed", "time", "nothing measured");
        assertThat(printed.toString().lines()).hasSize(4);
    }

    @Test
    void theMedianIsTheMiddle() {
        assertThat(Medians.of(3, 1, 2)).isEqualTo(2);
        assertThat(Medians.of(4, 1, 2, 3)).isEqualTo(2.5);
    }
}
