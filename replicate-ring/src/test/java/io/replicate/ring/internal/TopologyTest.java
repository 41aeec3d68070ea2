package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TopologyTest {

    private static List<Integer> upTo(final int nodes) {
        return IntStream.range(0, nodes).boxed().toList();
    }

    /** Walks down from the server, and finds each node of the tree exactly once: no cycle, nobody left out. */
    private static void assertTree(final Topology topology, final int nodes) {
        final Set<Integer> found = new HashSet<>();
        final ArrayDeque<Integer> level = new ArrayDeque<>(List.of(SessionContext.SERVER));
        while (!level.isEmpty()) {
            for (final int child : topology.children(level.removeFirst())) {
                assertThat(found.add(child)).as("node %d is fed once", child).isTrue();
                level.add(child);
            }
        }
        for (int node = 0; node < nodes; node++) {
            assertThat(found.contains(node)).as("node %d", node).isEqualTo(topology.contains(node));
        }
    }

    @Property
    void aNewTreeReachesEverybodyWithinItsFanout(
            @ForAll @IntRange(min = 1, max = 300) final int nodes,
            @ForAll @IntRange(min = 1, max = 8) final int fanout) {
        final Topology topology = new Topology(nodes, fanout);
        topology.form(upTo(nodes));

        assertTree(topology, nodes);
        for (int parent = SessionContext.SERVER; parent < nodes; parent++) {
            assertThat(topology.children(parent)).hasSizeLessThanOrEqualTo(fanout);
        }
    }

    @Property
    void whateverHappensItStaysATree(
            @ForAll @IntRange(min = 1, max = 30) final int nodes,
            @ForAll @IntRange(min = 1, max = 4) final int fanout,
            @ForAll @Size(max = 60) final List<@IntRange(max = 100_000) Integer> steps) {
        final Topology topology = new Topology(nodes, fanout);
        topology.form(upTo(nodes));
        final Set<Integer> inVain = new HashSet<>();
        for (final int step : steps) {
            final int node = step / 3 % nodes;
            switch (step % 3) {
                case 0 -> topology.remove(node);
                case 1 -> {
                    if (!topology.contains(node)) {
                        topology.add(node);
                    }
                }
                default -> {
                    if (topology.contains(node)) {
                        final int before = topology.parent(node);
                        final int after = topology.moveUp(node, inVain);
                        assertThat(after).isNotEqualTo(before);
                        assertThat(topology.parent(node)).isEqualTo(after == Topology.NOWHERE ? before : after);
                        assertThat(inVain).doesNotContain(after);
                        inVain.add(step % 7 - 1);
                    }
                }
            }
            assertTree(topology, nodes);
        }
    }

    @Test
    void theChildrenOfALostNodeGoToItsParent() {
        final Topology chain = new Topology(3, 1);
        chain.form(List.of(0, 1, 2));

        assertThat(chain.remove(1)).isZero();
        assertThat(chain.parent(2)).isZero();
    }

    @Test
    void aNodeThatJoinsLateIsTheLastOfAChain() {
        final Topology chain = new Topology(3, 1);
        chain.form(List.of(0, 1));

        assertThat(chain.add(2)).isEqualTo(1);
        assertThat(chain.depth(2)).isEqualTo(3);
    }
}
