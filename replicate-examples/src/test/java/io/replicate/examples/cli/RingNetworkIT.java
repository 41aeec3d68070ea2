package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.contract.Seeds;
import io.replicate.examples.bench.Hosts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings of processes on hosts of their own (network namespaces), whose links are cut without a word, or lose packets. */
@Tag("root")
@Timeout(240)
class RingNetworkIT {
    private static final int SIZE_BYTES = 24 << 20;
    private static final int NODES = 3;

    /** Silence is death after 2 s; the rest is for a machine that is busy with other things. */
    private static final Duration DETECTED = Duration.ofSeconds(30);

    private final Random random = Seeds.random("RingNetworkIT");
    private final List<RingMember> members = new ArrayList<>();

    @TempDir
    private Path directory;

    private Hosts hosts;
    private Path image = Path.of("");

    @BeforeEach
    void makeHosts() throws IOException {
        try {
            hosts = Hosts.make(NODES + 1);
        } catch (final IOException e) {
            assumeTrue(false, "missing kernel feature: network namespaces: " + e.getMessage());
        }
        final byte[] bytes = new byte[SIZE_BYTES];
        random.nextBytes(bytes);
        image = Files.write(directory.resolve("image"), bytes);
    }

    @AfterEach
    void killAll() {
        members.forEach(RingMember::destroy);
        if (hosts != null) {
            hosts.close();
        }
    }

    private RingMember start(final int host, final List<String> arguments) throws IOException {
        final RingMember member = RingMember.start(hosts.on(host, List.of()), arguments);
        members.add(member);
        return member;
    }

    private RingMember join(final int host) throws IOException {
        return start(
                host, List.of("join", "--insecure", "--listen", hosts.address(host) + ":9990", "--json", "--progress"));
    }

    private List<RingMember> joinAll() throws IOException {
        final List<RingMember> nodes = new ArrayList<>();
        for (int host = 1; host <= NODES; host++) {
            nodes.add(join(host));
        }
        nodes.forEach(node -> node.awaitSaid("waiting"));
        return nodes;
    }

    private RingMember serve(final String... options) throws IOException {
        final List<String> arguments = new ArrayList<>(List.of("serve", "--insecure", "--rate", "2M"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of(image.toString(), directory.resolve("copy%i").toString()));
        for (int host = 1; host <= NODES; host++) {
            arguments.add(hosts.address(host));
        }
        return start(0, arguments);
    }

    private void assertCopies(final int... numbers) throws IOException {
        for (final int number : numbers) {
            assertThat(Files.mismatch(image, directory.resolve("copy" + number)))
                    .isEqualTo(-1);
        }
    }

    private static int[] others(final int victim) {
        return java.util.stream.IntStream.rangeClosed(1, NODES)
                .filter(n -> n != victim)
                .toArray();
    }

    /** The position is a part of a hundred: while the first bytes are sent, in the middle, and seconds before the end. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50, 75})
    void aMachineThatVanishesWithoutAWordIsBypassedWithinSeconds(final int percent) throws Exception {
        final List<RingMember> nodes = joinAll();
        final RingMember server = serve();
        final int victim = 1 + random.nextInt(NODES);
        nodes.get(victim - 1).awaitReceived((long) SIZE_BYTES * percent / 100);
        hosts.link(victim, false);
        final long cutNs = System.nanoTime();
        await().atMost(RingMember.LIMIT).until(() -> server.said("bypassing " + hosts.address(victim)));
        final Duration detected = Duration.ofNanos(System.nanoTime() - cutNs);
        System.err.println(
                "host " + victim + " was cut off at " + percent + " %, bypassed after " + detected.toMillis() + " ms");

        assertThat(detected).isLessThan(DETECTED);
        assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.PARTLY);
        assertCopies(others(victim));
        assertThat(directory.resolve("copy" + victim)).doesNotExist();
    }

    @Test
    void aMachineThatIsNotThereDelaysTheRingByTheMaximalWaitOnly() throws Exception {
        final List<RingMember> nodes = joinAll();
        final int victim = 1 + random.nextInt(NODES);
        hosts.link(victim, false);
        final RingMember server = serve("--max-wait", "4");

        assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.PARTLY);
        assertThat(nodes.get(victim - 1).isAlive()).isTrue();
        assertCopies(others(victim));
    }

    @Test
    void aMachineWhoseLinkComesBackGoesOnFromWhatItHas() throws Exception {
        final List<RingMember> nodes = joinAll();
        final RingMember server = serve("--linger", "60");
        final int victim = 1 + random.nextInt(NODES);
        nodes.get(victim - 1).awaitReceived(SIZE_BYTES / 3);
        hosts.link(victim, false);
        server.awaitSaid("bypassing " + hosts.address(victim));
        hosts.link(victim, true);

        assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.OK);
        for (final RingMember node : nodes) {
            assertThat(node.exit()).as("%s", node.lines()).isZero();
        }
        assertCopies(1, 2, 3);
    }

    @Test
    void lostPacketsCostTimeAndNothingElse() throws Exception {
        final int victim = 1 + random.nextInt(NODES);
        assumeTrue(hosts.lose(victim, 5), "missing kernel feature: netem");
        final List<RingMember> nodes = joinAll();
        final RingMember server = serve("--linger", "60");

        assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.OK);
        for (final RingMember node : nodes) {
            assertThat(node.exit()).as("%s", node.lines()).isZero();
        }
        assertCopies(1, 2, 3);
    }
}
