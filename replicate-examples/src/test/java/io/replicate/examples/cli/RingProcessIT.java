package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.core.contract.Seeds;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rings of real processes, to which the worst happens: SIGKILL and SIGSTOP at a random moment. */
@Timeout(180)
class RingProcessIT {
    private static final int SIZE_BYTES = 48 << 20;
    private static final String RATE = "12M";
    private static final String SECRET = "a secret that ps must not show";
    private static final Pattern RECEIVED = Pattern.compile("\"received\":(\\d+)");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Random random = Seeds.random("RingProcessIT");
    private final List<Member> members = new ArrayList<>();

    @TempDir
    private Path directory;

    private Path image = Path.of("");
    private Path secret = Path.of("");

    /** A process and what it prints. */
    private static final class Member {
        private final Process process;
        private final List<String> lines = new CopyOnWriteArrayList<>();

        Member(final List<String> arguments) throws IOException {
            final List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx64m",
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    "io.replicate.examples.cli.Main",
                    "ring"));
            command.addAll(arguments);
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
            final Thread reader = new Thread(this::read, "member-output");
            reader.setDaemon(true);
            reader.start();
        }

        private void read() {
            try (BufferedReader from = process.inputReader(StandardCharsets.UTF_8)) {
                from.lines().forEach(lines::add);
            } catch (final IOException | java.io.UncheckedIOException e) {
                lines.add("(" + e.getMessage() + ")");
            }
        }

        long received() {
            long most = 0;
            for (final String line : lines) {
                final Matcher matcher = RECEIVED.matcher(line);
                while (matcher.find()) {
                    most = Math.max(most, Long.parseLong(matcher.group(1)));
                }
            }
            return most;
        }

        void signal(final String name) throws Exception {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .start()
                    .waitFor();
        }

        int exit() throws InterruptedException {
            assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .as("%s", lines)
                    .isTrue();
            return process.exitValue();
        }
    }

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
        members.forEach(member -> member.process.destroyForcibly());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private Member start(final String... arguments) throws IOException {
        final Member member = new Member(List.of(arguments));
        members.add(member);
        return member;
    }

    private Member join(final int port) throws IOException {
        final Member node = start(
                "join",
                "--listen",
                "127.0.0.1:" + port,
                "--secret-file",
                secret.toString(),
                "--json",
                "--progress",
                "--wait",
                "60");
        await().atMost(LIMIT).until(() -> node.lines.stream().anyMatch(line -> line.contains("waiting")));
        return node;
    }

    private Member serve(final int... ports) throws IOException {
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
                "20"));
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
    private void awaitRandomMoment(final Member node) {
        final long moment = (long) (SIZE_BYTES * (0.2 + 0.5 * random.nextDouble()));
        System.err.println("fault at " + moment);
        await().atMost(LIMIT).until(() -> node.received() >= moment);
    }

    @Test
    void aNodeThatIsKilledAndStartedAgainCatchesUp() throws Exception {
        final int[] ports = {freePort(), freePort(), freePort()};
        final Member[] nodes = {join(ports[0]), join(ports[1]), join(ports[2])};
        final Member server = serve(ports);
        final int victim = random.nextInt(3);
        awaitRandomMoment(nodes[victim]);
        nodes[victim].signal("KILL");
        assertThat(nodes[victim].exit()).isEqualTo(137);
        nodes[victim] = join(ports[victim]);

        assertThat(server.exit()).as("%s", server.lines).isZero();
        for (final Member node : nodes) {
            assertThat(node.exit()).as("%s", node.lines).isZero();
        }
        assertCopies(1, 2, 3);
        try (var files = Files.list(directory)) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith(".")))
                    .isEmpty();
        }
    }

    @Test
    void aServerThatIsKilledAndStartedAgainFindsTheNodesAsTheyAre() throws Exception {
        final int[] ports = {freePort(), freePort()};
        final Member[] nodes = {join(ports[0]), join(ports[1])};
        final Member killed = serve(ports);
        awaitRandomMoment(nodes[1]);
        killed.signal("KILL");
        assertThat(killed.exit()).isEqualTo(137);
        final Member server = serve(ports);

        assertThat(server.exit()).as("%s", server.lines).isZero();
        assertThat(server.lines).anyMatch(line -> line.contains("goes on at offset"));
        for (final Member node : nodes) {
            assertThat(node.exit()).as("%s", node.lines).isZero();
        }
        assertCopies(1, 2);
    }

    @Test
    void aStoppedNodeIsBypassedAndGoesOnWhenItIsContinued() throws Exception {
        final int[] ports = {freePort(), freePort(), freePort()};
        final Member[] nodes = {join(ports[0]), join(ports[1]), join(ports[2])};
        final Member server = serve(ports);
        final int victim = random.nextInt(3);
        awaitRandomMoment(nodes[victim]);
        nodes[victim].signal("STOP");
        await().atMost(LIMIT).until(() -> server.lines.stream().anyMatch(line -> line.contains("bypassing")));
        await().atMost(LIMIT)
                .until(() -> server.lines.stream()
                                .filter(line -> line.contains("has its copy"))
                                .count()
                        == 2);
        nodes[victim].signal("CONT");

        assertThat(server.exit()).as("%s", server.lines).isZero();
        assertThat(nodes[victim].exit()).as("%s", nodes[victim].lines).isZero();
        assertCopies(1, 2, 3);
    }

    @Test
    void theSecretIsNotInTheListOfProcessesAndAnotherOneIsTurnedAway() throws Exception {
        final int port = freePort();
        final Member node = join(port);
        Files.writeString(secret, "the secret of somebody else");
        final Member stranger = start(
                "serve",
                image.toString(),
                directory.resolve("copy").toString(),
                "--secret-file",
                secret.toString(),
                "--max-wait",
                "3",
                "127.0.0.1:" + port);
        final String commandLine = Files.readString(Path.of("/proc", Long.toString(node.process.pid()), "cmdline"));

        assertThat(commandLine).contains("--secret-file").doesNotContain(SECRET);
        assertThat(stranger.exit()).as("%s", stranger.lines).isEqualTo(1);
        assertThat(node.process.isAlive()).isTrue();
        assertThat(directory.resolve("copy")).doesNotExist();
    }
}
