package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.core.contract.FreePorts;
import io.replicate.core.contract.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rings of real processes, to which the worst happens: SIGKILL and SIGSTOP at a random moment. */
@Timeout(240)
class RingProcessIT {
    private static final int SIZE_BYTES = 48 << 20;
    private static final String RATE = "6M";
    private static final String SECRET = "a secret that ps must not show";

    private final Random random = Seeds.random("RingProcessIT");
    private final List<RingMember> members = new ArrayList<>();

    @TempDir
    private Path directory;

    private Path image = Path.of("");
    private Path secret = Path.of("");

    @BeforeEach
    void makeImage() throws Exception {
        final byte[] bytes = new byte[SIZE_BYTES];
        random.nextBytes(bytes);
        image = Files.write(directory.resolve("image"), bytes);
        secret = Files.writeString(directory.resolve("secret"), SECRET);
        Files.setPosixFilePermissions(secret, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
    }

    @AfterEach
    void killAll() {
        members.forEach(RingMember::destroy);
    }

    private RingMember start(final String... arguments) throws IOException {
        final RingMember member = RingMember.start(List.of(), List.of(arguments));
        members.add(member);
        return member;
    }

    private RingMember join(final int port) throws IOException {
        final RingMember node = start(
                "join",
                "--listen",
                "127.0.0.1:" + port,
                "--secret-file",
                secret.toString(),
                "--json",
                "--progress",
                "--wait",
                "60");
        node.awaitSaid("waiting");
        return node;
    }

    private RingMember serve(final int... ports) throws IOException {
        final List<String> arguments = new ArrayList<>(List.of(
                "serve",
                image.toString(),
                directory.resolve("copy%i").toString(),
                "--secret-file",
                secret.toString(),
                "--rate",
                RATE,
                "--json",
                "--linger",
                "60"));
        for (final int port : ports) {
            arguments.add("127.0.0.1:" + port);
        }
        return start(arguments.toArray(new String[0]));
    }

    private void assertCopies(final int... numbers) throws IOException {
        for (final int number : numbers) {
            assertThat(Files.mismatch(image, directory.resolve("copy" + number)))
                    .isEqualTo(-1);
        }
    }

    /** Waits until the node has received a random part of the image, and returns how much. */
    private void awaitRandomMoment(final RingMember node) {
        final long moment = (long) (SIZE_BYTES * (0.2 + 0.5 * random.nextDouble()));
        System.err.println("fault at " + moment);
        node.awaitReceived(moment);
    }

    @Test
    void aNodeThatIsKilledAndStartedAgainCatchesUp() throws Exception {
        final int[] ports = {FreePorts.next(), FreePorts.next(), FreePorts.next()};
        final RingMember[] nodes = {join(ports[0]), join(ports[1]), join(ports[2])};
        final RingMember server = serve(ports);
        final int victim = random.nextInt(3);
        awaitRandomMoment(nodes[victim]);
        nodes[victim].signal("KILL");
        assertThat(nodes[victim].exit()).isEqualTo(137);
        nodes[victim] = join(ports[victim]);

        assertThat(server.exit()).as("%s", server.lines()).isZero();
        for (final RingMember node : nodes) {
            assertThat(node.exit()).as("%s", node.lines()).isZero();
        }
        assertCopies(1, 2, 3);
        try (var files = Files.list(directory)) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".")))
                    .isEmpty();
        }
    }

    @Test
    void aServerThatIsKilledAndStartedAgainFindsTheNodesAsTheyAre() throws Exception {
        final int[] ports = {FreePorts.next(), FreePorts.next()};
        final RingMember[] nodes = {join(ports[0]), join(ports[1])};
        final RingMember killed = serve(ports);
        awaitRandomMoment(nodes[1]);
        killed.signal("KILL");
        assertThat(killed.exit()).isEqualTo(137);
        final RingMember server = serve(ports);

        assertThat(server.exit()).as("%s", server.lines()).isZero();
        assertThat(server.lines()).anyMatch(line -> line.contains("goes on at offset"));
        for (final RingMember node : nodes) {
            assertThat(node.exit()).as("%s", node.lines()).isZero();
        }
        assertCopies(1, 2);
    }

    @Test
    void aStoppedNodeIsBypassedAndGoesOnWhenItIsContinued() throws Exception {
        final int[] ports = {FreePorts.next(), FreePorts.next(), FreePorts.next()};
        final RingMember[] nodes = {join(ports[0]), join(ports[1]), join(ports[2])};
        final RingMember server = serve(ports);
        final int victim = random.nextInt(3);
        awaitRandomMoment(nodes[victim]);
        nodes[victim].signal("STOP");
        server.awaitSaid("bypassing");
        await().atMost(RingMember.LIMIT)
                .until(() -> server.lines().stream()
                                .filter(line -> line.contains("has its copy"))
                                .count()
                        == 2);
        nodes[victim].signal("CONT");

        assertThat(server.exit()).as("%s", server.lines()).isZero();
        assertThat(nodes[victim].exit()).as("%s", nodes[victim].lines()).isZero();
        assertCopies(1, 2, 3);
    }

    @Test
    void theSecretIsNotInTheListOfProcessesAndAnotherOneIsTurnedAway() throws Exception {
        final int port = FreePorts.next();
        final RingMember node = join(port);
        Files.writeString(secret, "the secret of somebody else");
        final RingMember stranger = start(
                "serve",
                image.toString(),
                directory.resolve("copy").toString(),
                "--secret-file",
                secret.toString(),
                "--max-wait",
                "3",
                "127.0.0.1:" + port);
        final String commandLine = Files.readString(Path.of("/proc", Long.toString(node.pid()), "cmdline"));

        assertThat(commandLine).contains("--secret-file").doesNotContain(SECRET);
        assertThat(stranger.exit()).as("%s", stranger.lines()).isEqualTo(1);
        assertThat(node.isAlive()).isTrue();
        assertThat(directory.resolve("copy")).doesNotExist();
    }
}
