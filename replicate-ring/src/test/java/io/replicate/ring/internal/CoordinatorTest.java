package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingListener;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.Result;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The server's picture of its ring, told by hand and with a clock of its own. */
@Timeout(240)
class CoordinatorTest {
    private static final long BYTES = 1000;
    private static final String DIGEST = "abababababababababababababababababababababababababababababababab";
    private static final Duration SOUGHT = Duration.ofMinutes(1);
    private static final Duration AT_ONCE = Duration.ofNanos(1);

    private long nowNs = 5;
    private final List<Integer> fed = new ArrayList<>();

    private final Coordinator ring = new Coordinator(
            List.of(new RingNodeAddress("a", List.of("tcp://a:1")), new RingNodeAddress("b", List.of("tcp://b:1"))),
            1,
            1,
            Duration.ofSeconds(20),
            SOUGHT,
            () -> nowNs,
            new Coordinator.Tellers() {
                @Override
                public void tell(final int node, final ControlMessage message) {
                    // nobody hears it
                }

                @Override
                public void feed(final Children children) {
                    fed.clear();
                    children.children().forEach(child -> fed.add(child.node()));
                }
            },
            RingListener.SILENT);

    private void form() throws InterruptedException {
        accept(0);
        accept(1);
        assertThat(ring.form(Duration.ZERO)).isEqualTo(2);
    }

    private void accept(final int node) {
        ring.accepted(node, new Accept(ControlMessage.VERSION, 0, 0, 0, "target"));
    }

    private void done(final int node, final long bytes, final String digest) {
        ring.said(node, new Result(true, bytes, bytes, digest, true, -1, null));
    }

    private NodeReport report(final int node) {
        return ring.reports().get(node);
    }

    @Test
    void aRingWhoseNodesAreAllLostAtOnceGoesOnWithThoseThatCanBeReachedAgain() throws Exception {
        form();
        ring.lost(0, "nothing came");
        ring.lost(1, "nothing came");
        assertThat(ring.awaitEnd(AT_ONCE)).as("nobody has looked for them yet").isFalse();

        accept(1);
        ring.lost(0, "connection refused");
        assertThat(ring.awaitEnd(AT_ONCE)).isFalse();
        assertThat(report(1).state()).isEqualTo(NodeState.ACTIVE);
        assertThat(fed).containsExactly(1);

        done(1, BYTES, DIGEST);
        assertThat(ring.awaitEnd(AT_ONCE)).isTrue();
        assertThat(report(0).state()).isEqualTo(NodeState.LOST);
        assertThat(report(0).reason()).isEqualTo("nothing came");
    }

    @Test
    void aRingWithoutAnyWaitIsFormedOfThoseWhoAreThere() throws Exception {
        final CompletableFuture<Integer> formed = CompletableFuture.supplyAsync(() -> {
            try {
                return ring.form(Duration.ZERO);
            } catch (final InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        accept(1);
        ring.lost(0, "connection refused");
        assertThat(formed.get(60, TimeUnit.SECONDS)).isEqualTo(1);
        assertThat(report(0).state()).isEqualTo(NodeState.CONNECTING);
        assertThat(fed).containsExactly(1);
    }

    @Test
    void theEndDoesNotWaitLongForANodeThatNeitherAnswersNorRefuses() throws Exception {
        form();
        done(0, BYTES, DIGEST);
        ring.lost(1, "nothing came");
        assertThat(ring.awaitEnd(AT_ONCE)).isFalse();
        nowNs += SOUGHT.toNanos();
        assertThat(ring.awaitEnd(AT_ONCE)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"1000,''", "1000,cdcd", "999," + DIGEST, "1001," + DIGEST})
    void aCopyIsOnlyEqualWhenItsSizeAndItsDigestAreTheSources(final long bytes, final String digest) throws Exception {
        form();
        done(0, BYTES, DIGEST);
        done(1, bytes, digest);
        ring.compare(BYTES, DIGEST);
        assertThat(report(0).state()).isEqualTo(NodeState.DONE);
        assertThat(report(1).state()).isEqualTo(NodeState.FAILED);
        assertThat(report(1).reason())
                .contains(bytes == BYTES ? DIGEST : Long.toString(bytes))
                .contains("the source");
    }

    @Test
    void withoutVerificationOnlyTheSizeIsCompared() throws Exception {
        form();
        done(0, BYTES, "");
        done(1, BYTES + 1, "");
        ring.compare(BYTES, "");
        assertThat(report(0).state()).isEqualTo(NodeState.DONE);
        assertThat(report(1).state()).isEqualTo(NodeState.FAILED);
    }
}
