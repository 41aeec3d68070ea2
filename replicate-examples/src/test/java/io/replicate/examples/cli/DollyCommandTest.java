package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.contract.FreePorts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** dolly's command line: every letter of both generations, what it prints, and its exit codes. */
@Timeout(240)
class DollyCommandTest {
    private static final int SIZE = 300_000;

    @TempDir
    Path dir;

    private final byte[] content = new byte[SIZE];
    private Path source = Path.of("unset");
    private String dataPort = "";
    private String controlPort = "";

    @BeforeEach
    void files() throws IOException {
        new Random(5).nextBytes(content);
        source = Files.write(dir.resolve("in"), content);
        dataPort = Integer.toString(FreePorts.next());
        controlPort = Integer.toString(FreePorts.next());
    }

    /** How a command ended. */
    private record Ended(int code, String out, String err) {}

    private static Ended dolly(final List<String> arguments) {
        final List<String> all = new ArrayList<>(List.of("dolly"));
        all.addAll(arguments);
        final StringWriter out = new StringWriter();
        final StringWriter err = new StringWriter();
        final int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(new String[0]));
        return new Ended(code, out.toString(), err.toString());
    }

    private Ended run(final String... arguments) {
        final List<String> all = new ArrayList<>(List.of("--data-port", dataPort, "--ctrl-port", controlPort));
        all.addAll(List.of(arguments));
        return dolly(all);
    }

    private CompletableFuture<Ended> start(final String... arguments) {
        return CompletableFuture.supplyAsync(() -> run(arguments), command -> new Thread(command, "dolly").start());
    }

    private static Ended get(final CompletableFuture<Ended> running) throws Exception {
        return running.get(60, TimeUnit.SECONDS);
    }

    private static String address(final int node) {
        return "127.0.3." + node;
    }

    private Path target(final int node) {
        return dir.resolve("out" + node);
    }

    private CompletableFuture<Ended> client(final int node, final String... more) {
        final List<String> all = new ArrayList<>(
                List.of("--bind", address(node), "--target", target(node).toString(), "-a", "30"));
        all.addAll(List.of(more));
        return start(all.toArray(new String[0]));
    }

    private Path config(final String... hosts) throws IOException {
        return Files.writeString(
                dir.resolve("dolly.cfg"),
                "infile " + source + "\noutfile /out\nserver s\nfirstclient " + hosts[0] + "\nlastclient "
                        + hosts[hosts.length - 1] + "\nclients " + hosts.length + "\n" + String.join("\n", hosts)
                        + "\nendconfig\n");
    }

    @Test
    void verboseSaysWhatTheGuideShowsWithRightFigures() throws Exception {
        final CompletableFuture<Ended> first = client(1, "-v");
        final CompletableFuture<Ended> second = client(2, "-v");

        final Ended server =
                run("-v", "-s", "-f", config(address(1), address(2)).toString());

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(server.err().lines().filter(line -> !line.startsWith("Sent MB: 0, ")))
                .containsSubsequence(
                        "Parameter file: ",
                        "infile = '" + source + "'",
                        "outfile = '/out'",
                        "using data port " + dataPort,
                        "using ctrl port " + controlPort,
                        "fanout = 1",
                        "nr_childs = 1",
                        "server = 's'",
                        "I'm the server.",
                        "There are 2 hosts in the ring (excluding server):",
                        "Next hosts in ring:",
                        "All parameters read.",
                        "Using no compression.",
                        "Using transfer size 4096 bytes.",
                        "Trying to build ring...",
                        "Connecting to host " + address(1) + "...",
                        "Waiting for ring to build...",
                        "Host got parameters '" + address(1) + "'.",
                        "Machines left to wait for: 2",
                        "Host ready '" + address(2) + "'.",
                        "Machines left to wait for: 0",
                        "Accepted.",
                        "Server: Sending data...",
                        "Read " + SIZE + " bytes from file(s).",
                        "Writing maxbytes = " + SIZE + " to ctrlout",
                        "Sent MB: 0.",
                        "Synced.",
                        "Waiting for child 0.",
                        "Clients done.",
                        "Transmitted.");
        assertThat(server.err())
                .containsPattern("Sent MB: 0, MB/s: [0-9.]+, Current MB/s: [0-9.]+\n")
                .containsPattern("\nTime: [0-9.]+\nMBytes/s: [0-9.]+\nAggregate MBytes/s: [0-9.]+\n");
        for (int i = 1; i <= 2; i++) {
            final Ended client = get(i == 1 ? first : second);
            assertThat(client.code()).isZero();
            assertThat(client.err().lines())
                    .containsSubsequence(
                            "Trying to build ring...",
                            "Accepting...control...",
                            address(i) + " is number " + (i - 1),
                            "Parameter file: ",
                            "I'm not the server.",
                            "Connected data...done.",
                            "Accepted.",
                            "Receiving...",
                            "Synced.",
                            "Transmitted.")
                    .anyMatch(line -> line.startsWith("Max. bytes will be " + SIZE + " bytes. "));
            assertThat(client.err()).contains(i == 1 ? "Next hosts in ring:" : "I'm the last host.");
            assertThat(client.out()).contains("received " + SIZE + " bytes");
            assertThat(target(i)).hasBinaryContent(content);
        }
    }

    @Test
    void everyLetterIsTakenInAnyOrder() throws Exception {
        final CompletableFuture<Ended> client =
                client(1, "-r", "3", "-n", "-q", "-Y", "x", "-b", "8192", "-u", "65536", "-v", "-S", "s");
        assertThat(get(client).code()).as("a client is no server").isEqualTo(1);
        final CompletableFuture<Ended> node = client(1, "-r", "3", "-n", "-q", "-Y", "x", "-u", "65536");

        final Ended server = run(
                "-f",
                config(address(1)).toString(),
                "-v",
                "-q",
                "-n",
                "-a",
                "30",
                "-r",
                "3",
                "-b",
                "8192",
                "-u",
                "65536",
                "-Y",
                "x",
                "-R",
                "-S",
                "s");

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(server.err()).contains("Using transfer size 8192 bytes.");
        assertThat(get(node).code()).isZero();
        assertThat(target(1)).hasBinaryContent(content);
    }

    @Test
    void statisticsAreAppended() throws Exception {
        final Path statistics = dir.resolve("stat");
        for (final String verbose : new String[] {"-q", "-v"}) {
            final CompletableFuture<Ended> client = client(1);
            final Ended server =
                    run(verbose, "-o", statistics.toString(), "-I", source.toString(), "-O", "/out", "-H", address(1));
            assertThat(server.code()).as(server.err()).isZero();
            get(client);
        }

        assertThat(Files.readAllLines(statistics)).hasSize(7).satisfies(lines -> {
            assertThat(lines.get(0)).matches("outfile = '/out' 1460 1 [0-9.]+ [0-9.]+ [0-9.]+");
            assertThat(lines.get(1)).isEqualTo("outfile = '/out'");
            assertThat(lines.get(2)).isEqualTo("Segsize: 1460");
            assertThat(lines.get(3)).isEqualTo("Clients: 1");
            assertThat(lines.get(4)).matches("Time: [0-9.]+");
            assertThat(lines.get(5)).matches("MBytes/s: [0-9.]+");
            assertThat(lines.get(6)).matches("Aggregate MBytes/s: [0-9.]+");
        });
    }

    @Test
    void uncompressedSizeUnpacksAndCounts() throws Exception {
        final ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(content);
        }
        final Path gz = Files.write(dir.resolve("in.gz"), packed.toByteArray());
        final CompletableFuture<Ended> client = client(1);

        final Ended server = run("-v", "-c", "3000000", "-I", gz.toString(), "-O", "/out", "-H", address(1));

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(server.err()).contains("Using compressed infile.");
        get(client);
        assertThat(target(1)).hasBinaryContent(content);
        final double seconds = figure(server.err(), "Time: ");
        assertThat(figure(server.err(), "MBytes/s: ") * seconds).isBetween(2.9, 3.1);
    }

    private static double figure(final String text, final String label) {
        return text.lines()
                .filter(line -> line.startsWith(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(label.length())))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @CsvSource({"-4,127.0.0.1", "-R,127.0.0.1", "-6,::1"})
    void namesBecomeAddresses(final String letter, final String address) throws Exception {
        final CompletableFuture<Ended> client =
                start("--bind", address, "--target", target(1).toString(), "-a", "30");

        final Ended server =
                run(letter, "-I", source.toString(), "-O", "/out", "-H", letter.equals("-6") ? address : "localhost");

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(get(client).code()).isZero();
    }

    @Test
    void clientsAreWoken() throws Exception {
        try (ServerSocket wake = new ServerSocket()) {
            wake.bind(new InetSocketAddress(InetAddress.getByName(address(1)), 0));
            wake.setSoTimeout(30_000);
            final CompletableFuture<Ended> client = CompletableFuture.supplyAsync(() -> {
                try (Socket woken = wake.accept()) {
                    assertThat(woken.getInputStream().read()).isEqualTo(-1);
                    return run("--bind", address(1), "--target", target(1).toString(), "-a", "30");
                } catch (final IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });

            final Ended server = run(
                    "-d",
                    "--wake-port",
                    Integer.toString(wake.getLocalPort()),
                    "-I",
                    source.toString(),
                    "-O",
                    "/out",
                    "-H",
                    address(1));

            assertThat(server.code()).as(server.err()).isZero();
            assertThat(get(client).code()).isZero();
        }
    }

    @Test
    void waitingClientsAreEnded() throws Exception {
        final CompletableFuture<Ended> client = client(1);
        Ended killer = run("-K", address(1) + "," + address(2));
        final long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (killer.out().contains("0 of 2") && System.nanoTime() < untilNs) {
            killer = run("-K", address(1) + "," + address(2)); // it was not listening yet
        }

        assertThat(killer.code()).isZero();
        assertThat(killer.out()).contains("1 of 2 clients asked to end");
        assertThat(get(client).code()).isEqualTo(1);
        assertThat(get(client).err()).contains("-K");
        assertThat(run("-K", address(2)).code())
                .as("none of them is no failure either")
                .isZero();
    }

    @Test
    void passwordIsSharedAndAnotherOneIsRefused() throws Exception {
        final CompletableFuture<Ended> client = client(1, "-P", "secret", "--mutual");
        final Ended wrong = run("-P", "other", "-I", source.toString(), "-O", "/out", "-H", address(1));
        final Ended right = run("-P", "secret", "-I", source.toString(), "-O", "/out", "-H", address(1));

        assertThat(wrong.code()).isEqualTo(1);
        assertThat(wrong.err()).contains("another password");
        assertThat(right.code()).as(right.err()).isZero();
        assertThat(get(client).code()).isZero();
        assertThat(target(1)).hasBinaryContent(content);
    }

    @Test
    void directoriesAreSentWithoutWhatIsExcluded() throws Exception {
        final Path tree = Files.createDirectories(dir.resolve("tree"));
        Files.write(tree.resolve("file"), content);
        Files.write(tree.resolve("not.o"), content);
        Files.createDirectory(target(1));
        final CompletableFuture<Ended> client = client(1);

        final Ended server = run("-D", tree.toString(), "-X", "*.o", "-O", "/out", "-H", address(1));

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(get(client).code()).isZero();
        final Path copy = target(1).resolve(tree.getRoot().relativize(tree));
        assertThat(copy.resolve("file")).hasBinaryContent(content);
        assertThat(copy.resolve("not.o")).doesNotExist();
    }

    @Test
    void dummyRunEndsInTime() throws Exception {
        final Path config = Files.writeString(
                dir.resolve("dolly.cfg"),
                "dummy\nserver s\nfirstclient " + address(1) + "\nlastclient " + address(1) + "\nclients 1\n"
                        + address(1) + "\nendconfig\n");
        final CompletableFuture<Ended> client = client(1);

        final Ended server = run("-s", "-t", "1", "-f", config.toString());

        assertThat(server.code()).as(server.err()).isZero();
        assertThat(get(client).code()).isZero();
        assertThat(target(1)).doesNotExist();
    }

    @Test
    void missingClientIsNamedAndTheOthersHaveTheCopy() throws Exception {
        final CompletableFuture<Ended> client = client(1, "--start-timeout", "3", "--idle-timeout", "30");

        final Ended server = run("-I", source.toString(), "-O", "/out", "-H", address(1) + "," + address(2));

        assertThat(server.code()).isEqualTo(1);
        assertThat(server.out()).contains(address(1) + ": ok").contains(address(2) + ": FAILED");
        assertThat(server.err()).contains("dolly: no copy at 1 of 2 clients: " + address(2));
        get(client);
        assertThat(target(1)).hasBinaryContent(content);
    }

    @ParameterizedTest
    @CsvSource({"-V,0,dolly (replicate", "-V x,0,dolly (replicate", "-h,1,-I", "--help,0,-I"})
    void versionAndHelp(final String arguments, final int code, final String said) {
        final Ended ended = dolly(List.of(arguments.split(" ")));

        assertThat(ended.code()).isEqualTo(code);
        assertThat(ended.out()).contains(said);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-z",
                "-s",
                "-I /nowhere -H a",
                "-f /nowhere -s",
                "-f /nowhere",
                "-I /etc/passwd",
                "-I /etc/passwd -H , -O /x",
                "-4 -6 -I /etc/passwd -H a",
                "-X a -I /etc/passwd -H a",
                "-D /etc -H a",
                "-I - -H a",
                "--mutual",
                "-a -1",
                "-r 0",
                "-f /proc -s",
                "-P  -I /etc/passwd -H localhost",
                "-K ,",
                "-c 10 --dialect modern -I /etc/passwd -H localhost",
                "-c 10x -I /etc/passwd -H localhost",
                "-o /nowhere/log -I /etc/passwd -H localhost",
                "-o /proc -I /etc/passwd -H localhost",
                "-t 5 -I /etc/passwd -H localhost",
                "--dialect classic -P x -I /etc/passwd -H a"
            })
    void whatCannotBeIsRefusedInOneClearLine(final String arguments) {
        final Ended ended = dolly(List.of(arguments.split(" ")));

        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.err().lines().findFirst().orElse(""))
                .startsWith("replicate dolly: ")
                .doesNotEndWith(": Is a directory");
        assertThat(ended.err()).doesNotContain("Exception").doesNotContain("\tat ");
    }

    @Test
    void configurationIsReadStrictlyAndTheServerMustAgree() throws Exception {
        final Path config = config("a", "b");
        final Ended disagree = run("-S", "other", "-f", config.toString());
        Files.writeString(config, Files.readString(config).replace("clients 2", "clients 3"));
        final Ended wrong = run("-s", "-f", config.toString());

        assertThat(disagree.code()).isEqualTo(1);
        assertThat(disagree.err()).contains("'other' and 's'");
        assertThat(wrong.code()).isEqualTo(1);
        assertThat(wrong.err()).contains(config + ":9: expected").contains("endconfig");
    }
}
