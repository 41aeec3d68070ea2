package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class RosterTest {
    private final Roster roster = new Roster(List.of("n1", "n2"), Dialect.CLASSIC);

    /** Whatever was missed on the way: silence is not success. */
    @Test
    void hostOfWhichNothingIsKnownHasNoCopy() {
        roster.total(10);
        roster.judge("n1", List.of("n1"), 10);

        final DollyReport report = new DollyReport("/out", 10, "", Duration.ofSeconds(1), roster.results());

        assertThat(report.nodes())
                .extracting(DollyNode::name, DollyNode::state)
                .containsExactly(tuple("n1", DollyNode.State.ACKNOWLEDGED), tuple("n2", DollyNode.State.FAILED));
        assertThat(report.ok()).isFalse();
    }
}
