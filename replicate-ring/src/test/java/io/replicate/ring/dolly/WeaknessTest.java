package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What real dolly nodes were seen to do wrong, numbered as in docs/protocols/dolly.md, and what ours do. */
class WeaknessTest {
    private static final int BIG = 40_000_000;

    @TempDir
    Path directory;

    private DollyRing ring;
    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeEach
    void open() throws Exception {
        ring = new DollyRing(directory);
    }

    @AfterEach
    void close() throws Exception {
        for (final AutoCloseable each : open) {
            each.close();
        }
        ring.close();
    }

    private <T extends AutoCloseable> T closing(final T resource) {
        open.add(resource);
        return resource;
    }

    private DollyConfig config(final byte[] content, final int clients) throws IOException {
        return DollyConfig.of(ring.file("in", content).toString(), "/out", "s", DollyRing.names(clients));
    }

    /** A child that is not ours: takes part until the data begins. */
    private RawPeer oldClient(final int node, final String... names) throws Exception {
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(node), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(node), ring.dataPort));
        final RawPeer peer = closing(new RawPeer(false));
        peer.control = RawPeer.accept(controls);
        peer.config();
        peer.data = RawPeer.accept(datas);
        for (final String name : names) {
            peer.say(RawPeer.configured(Dialect.CLASSIC, name) + "\n" + RawPeer.ready(Dialect.CLASSIC, name) + "\n");
        }
        return peer;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3}) // weaknesses 1 and 2: a middle node, and the last one
    void deadClientTakesOnlyThoseBehindItAlong(final int dead) throws Exception {
        final byte[] content = DollyRing.content(BIG);
        final List<CompletableFuture<DollyReport>> clients = new ArrayList<>();
        for (int i = 1; i < dead; i++) {
            clients.add(ring.client(i));
        }
        final String[] rest = dead == 2 ? new String[] {"n2", "n3"} : new String[] {"n3"};
        final CompletableFuture<RawPeer> victim = DollyRing.async(() -> oldClient(dead, rest));
        final CompletableFuture<DollyReport> server = ring.server(config(content, 3), ring.options());
        final RawPeer peer = DollyRing.get(victim);
        RawPeer.exactly(peer.data, 1_000_000);
        peer.control.setSoLinger(true, 0);
        peer.close();

        final DollyReport report = DollyRing.get(server);

        assertThat(report.ok()).isFalse();
        for (int i = 1; i <= 3; i++) {
            assertThat(report.nodes().get(i - 1).ok()).as("n" + i).isEqualTo(i < dead);
            if (i < dead) {
                assertThat(Files.readAllBytes(ring.target(i))).isEqualTo(content);
            } else {
                assertThat(report.nodes().get(i - 1).reason()).isNotEmpty();
                assertThat(ring.target(i)).doesNotExist();
            }
        }
    }

    @Test // weakness 3
    void frozenClientIsGivenUpAndTheOthersFinish() throws Exception {
        final byte[] content = DollyRing.content(BIG);
        final Duration idle = Duration.ofSeconds(3); // the same at all nodes, which tell each other that they live
        final CompletableFuture<DollyReport> first =
                ring.client(1, ring.options().waits(DollyRing.WAIT, idle, DollyRing.WAIT));
        final CompletableFuture<RawPeer> frozen = DollyRing.async(() -> oldClient(2, "n2"));
        final CompletableFuture<DollyReport> server =
                ring.server(config(content, 2), ring.options().waits(DollyRing.WAIT, idle, DollyRing.WAIT));
        DollyRing.get(frozen); // and never reads

        assertThat(DollyRing.get(server).nodes())
                .extracting(DollyNode::state)
                .containsExactly(DollyNode.State.PROVEN, DollyNode.State.FAILED);
        assertThat(DollyRing.get(first).ok()).isFalse();
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @ParameterizedTest
    @EnumSource // weaknesses 4 and 5: no process, and no machine; either is left out aloud
    void missingClientIsPassedOverAndReported(final Dialect dialect) throws Exception {
        final byte[] content = DollyRing.content(100_000);
        final CompletableFuture<DollyReport> first =
                ring.client(1, ring.options().waits(Duration.ofSeconds(2), DollyRing.WAIT, DollyRing.WAIT));
        final CompletableFuture<DollyReport> third = ring.client(3);

        final DollyReport report =
                DollyRing.get(ring.server(config(content, 3), ring.options().dialect(dialect)));

        assertThat(report.ok()).isFalse();
        assertThat(report.nodes())
                .extracting(DollyNode::state)
                .containsExactly(DollyNode.State.PROVEN, DollyNode.State.FAILED, DollyNode.State.PROVEN);
        assertThat(report.nodes().get(1).reason()).contains("n2").contains("refused");
        DollyRing.get(third);
        DollyRing.get(first);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
        assertThat(Files.readAllBytes(ring.target(3))).isEqualTo(content);
    }

    @Test // weakness 4: an old server above waits for the missing one, so this node must not stay in a ring that hangs
    void behindAnOldServerAMissingChildEndsTheRunInTime() throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().waits(Duration.ofSeconds(2), DollyRing.WAIT, DollyRing.WAIT));
        final RawPeer parent =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        parent.say(RawPeer.classicConfig("n1", "n2"));

        assertThat(DollyRing.failureOf(client)).contains("n2").contains("refused");
        assertThat(parent.line()).startsWith("Host got parameters");
        assertThat(RawPeer.toEnd(parent.control)).isEmpty();
    }

    @Test // weakness 6
    void fullDiskOfOneClientLeavesTheOthersAlone() throws Exception {
        final byte[] content = DollyRing.content(5_000_000);
        final DollyOptions.Builder full = ring.options();
        final CompletableFuture<DollyReport> first = DollyRing.async(() -> {
            try (DollyClient client = DollyClient.open(
                    full.bind(DollyRing.address(1)).pin("/dev/full").build())) {
                return client.run();
            }
        });
        final CompletableFuture<DollyReport> second = ring.client(2);

        final DollyReport report = DollyRing.get(ring.server(
                DollyConfig.of(ring.file("in", content).toString(), "/out", "s", List.of(DollyRing.address(1), "n2")),
                ring.options()));

        assertThat(DollyRing.failureOf(first)).containsIgnoringCase("no space left");
        assertThat(report.nodes())
                .extracting(DollyNode::state)
                .containsExactly(DollyNode.State.FAILED, DollyNode.State.PROVEN);
        DollyRing.get(second);
        assertThat(Files.readAllBytes(ring.target(2))).isEqualTo(content);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false}) // weakness 7, with clients of ours and with a ring that is told nothing more
    void sourceThatShrinksFailsEverywhere(final boolean extended) throws Exception {
        final Path source = ring.file("in", DollyRing.content(BIG));
        final CompletableFuture<DollyReport> last =
                ring.client(2, ring.options().extended(extended));
        final CompletableFuture<DollyReport> middle =
                ring.client(1, ring.options().extended(extended));
        final DollyOptions.Builder options = ring.options().listener(new DollyListener() {
            @Override
            public void moved(final boolean sending, final long bytes) {
                try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
                    file.setLength(5_000_000);
                } catch (final IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        });

        assertThat(DollyRing.failureOf(
                        ring.server(DollyConfig.of(source.toString(), "/out", "s", DollyRing.names(2)), options)))
                .contains("shorter");
        assertThat(DollyRing.failureOf(middle)).isNotEmpty();
        assertThat(DollyRing.failureOf(last)).isNotEmpty();
        assertThat(ring.target(1)).doesNotExist();
        assertThat(ring.target(2)).doesNotExist();
    }

    @Test // weakness 8
    void largerTargetIsReplacedAsAWhole() throws Exception {
        Files.write(ring.target(1), DollyRing.content(300_000));
        final byte[] content = DollyRing.content(200_000);
        final CompletableFuture<DollyReport> client = ring.client(1);

        DollyRing.get(ring.server(config(content, 1), ring.options()));

        DollyRing.get(client);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @Test // weakness 9
    void holesOfTheSourceAreHolesOfTheCopy() throws Exception {
        final Path source = directory.resolve("in");
        try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
            file.setLength(64 << 20);
            file.seek(32 << 20);
            file.write(1);
        }
        final CompletableFuture<DollyReport> client = ring.client(1);

        DollyRing.get(ring.server(DollyConfig.of(source.toString(), "/out", "s", DollyRing.names(1)), ring.options()));

        DollyRing.get(client);
        assertThat(Files.mismatch(source, ring.target(1))).isEqualTo(-1);
        final Process du = new ProcessBuilder("du", "-k", ring.target(1).toString()).start();
        final String kilobytes = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\t")[0];
        assertThat(Integer.parseInt(kilobytes)).isLessThan(16 << 10);
    }

    @Test // weakness 10
    void copyThatIsNotTheSourceIsNotCommitted() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        parent.say(RawPeer.classicConfig("n1"));
        assertThat(parent.rawLine()).matches("Host got parameters 'n1'\\. \\[replicate 1 [0-9a-f]{32}\\]");
        parent.say(new byte[] {'r', 'p', 'l', 'd', 'l', 'y', '1', (byte) 0xFF});
        parent.say("hello -\n");
        assertThat(List.of(parent.line(), parent.line())) // each by a thread of its own
                .anyMatch(line -> line.matches("\\+heir n1 [0-9a-f]{32}"))
                .contains(RawPeer.ready(Dialect.CLASSIC, "n1"));
        parent.write(parent.data, new byte[] {1, 2, 3});
        parent.say("end 3\nsum " + "0".repeat(64) + "\n");

        String line = parent.rawLine();
        while (line.equals("+busy")) {
            line = parent.rawLine();
        }
        assertThat(line).startsWith("+result n1 FAILED");
        parent.say("thanks\n");
        assertThat(DollyRing.failureOf(client)).contains("digest");
        assertThat(ring.target(1)).doesNotExist();
    }

    @Test // weakness 10: tar's failure is the client's, and the server's
    void failureOfTarIsReported() throws Exception {
        final Path tree = Files.createDirectories(directory.resolve("tree"));
        Files.write(tree.resolve("file"), new byte[100_000]);
        final CompletableFuture<DollyReport> client = ring.client(1);
        Files.createDirectory(ring.target(1));
        Files.write(
                ring.target(1).resolve(directory.getRoot().relativize(directory).getName(0)), new byte[0]);

        final DollyReport report = DollyRing.get(directories(tree, List.of()));

        assertThat(report.ok()).isFalse();
        assertThat(report.nodes().get(0).reason()).contains("tar");
        assertThat(DollyRing.failureOf(client)).contains("tar");
    }

    private CompletableFuture<DollyReport> directories(final Path tree, final List<String> excludes) {
        return DollyRing.async(() -> {
            final DollyConfig config = DollyConfig.of("", "/out", "", DollyRing.names(1));
            try (DollyServer server = DollyServer.of(
                    config,
                    config.generate(Dialect.MODERN),
                    ring.options().dialect(Dialect.MODERN).build(),
                    List.of(tree.toString()),
                    excludes,
                    Duration.ZERO)) {
                return server.run();
            }
        });
    }

    @Test
    void directoriesArriveBelowTheTargetWithoutWhatIsExcluded() throws Exception {
        final Path tree = Files.createDirectories(directory.resolve("tree/sub"));
        Files.write(tree.resolve("file"), DollyRing.content(100_000));
        Files.write(tree.resolve("no.tmp"), new byte[1]);
        final CompletableFuture<DollyReport> client = ring.client(1);
        Files.createDirectory(ring.target(1));

        assertThat(DollyRing.get(directories(tree.getParent(), List.of("*.tmp")))
                        .ok())
                .isTrue();

        DollyRing.get(client);
        final Path copy = ring.target(1).resolve(tree.getRoot().relativize(tree));
        assertThat(Files.readAllBytes(copy.resolve("file"))).isEqualTo(DollyRing.content(100_000));
        assertThat(copy.resolve("no.tmp")).doesNotExist();
    }

    @Test // weakness 11
    void withAPasswordOnlyWhoKnowsItEndsAClient() throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("pw"));
        DollyKiller.kill("n1", ring.options().build());
        assertThatThrownBy(() ->
                        DollyKiller.kill("n1", ring.options().password("other").build()))
                .hasMessageContaining("another password");
        assertThat(client).isNotDone();

        DollyKiller.kill("n1", ring.options().password("pw").build());

        assertThat(DollyRing.failureOf(client)).contains("-K");
    }

    @Test // weakness 11: without a password -K works as ever, unless the client was told not to listen to it
    void withoutAPasswordKillingCanBeForbidden() throws Exception {
        final CompletableFuture<DollyReport> obedient = ring.client(1);
        final CompletableFuture<DollyReport> deaf =
                ring.client(2, ring.options().killable(false));
        DollyKiller.kill("n1", ring.options().build());
        DollyKiller.kill("n2", ring.options().build());

        assertThat(DollyRing.failureOf(obedient)).contains("-K");
        assertThatThrownBy(() -> deaf.get(300, TimeUnit.MILLISECONDS))
                .isInstanceOf(java.util.concurrent.TimeoutException.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true}) // weakness 11: a server that does not know the password
    void rogueServerIsRefusedWhereTheServerMustProveItself(final boolean pretendsToBeOurs) throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("pw").mutual(!pretendsToBeOurs));
        final RawPeer rogue =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        rogue.say(new byte[] {1});
        rogue.say(new byte[32]);
        RawPeer.exactly(rogue.control, 32);
        rogue.say("OK\0");
        rogue.say(new byte[4]);
        rogue.say(RawPeer.modernConfig("n1"));
        if (pretendsToBeOurs) {
            rogue.say(new byte[] {'r', 'p', 'l', 'd', 'l', 'y', '1', (byte) 0xFF});
            rogue.say("hello " + "0".repeat(64) + "\n");
        }

        assertThat(DollyRing.failureOf(client)).contains("has not proven the password");
        assertThat(directory).isEmptyDirectory();
    }

    @Test // weakness 11: and one of ours that does is obeyed
    void serverOfOursProvesThePassword() throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("pw").mutual(true));

        final DollyReport report = DollyRing.get(ring.server(
                config(new byte[10], 1), ring.options().dialect(Dialect.MODERN).password("pw")));

        assertThat(report.nodes()).extracting(DollyNode::state).containsExactly(DollyNode.State.PROVEN);
        DollyRing.get(client);
    }

    @Test // weakness 12
    void wrongServerDoesNotPoisonTheClientForTheRightOne() throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("pw"));
        final RawPeer wrong =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        wrong.say(new byte[] {1});
        wrong.say(new byte[32]);
        RawPeer.exactly(wrong.control, 32);
        wrong.say("AUTH_FAILED:n1\0");
        wrong.close();

        final DollyReport report = DollyRing.get(ring.server(
                config(new byte[] {1, 2, 3}, 1),
                ring.options().dialect(Dialect.MODERN).password("pw")));

        assertThat(report.ok()).isTrue();
        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {1, 2, 3});
    }

    @ParameterizedTest
    @EnumSource // weakness 13
    void seventeenClientsAreNotTooMany(final Dialect dialect) throws Exception {
        final List<CompletableFuture<DollyReport>> clients = new ArrayList<>();
        for (int i = 1; i <= 17; i++) {
            clients.add(ring.client(i));
        }

        final DollyReport report = DollyRing.get(
                ring.server(config(new byte[1000], 17), ring.options().dialect(dialect)));

        assertThat(report.nodes()).hasSize(17).allMatch(DollyNode::ok);
        for (final CompletableFuture<DollyReport> client : clients) {
            DollyRing.get(client);
        }
    }

    @ParameterizedTest
    @EnumSource // weakness 13: all parts of a split source; and parts of another size come out
    void splitSourceIsSentWhole(final Dialect dialect) throws Exception {
        final byte[] content = DollyRing.content(1_000_000);
        for (int i = 0; i < 4; i++) {
            ring.file("in_" + i, Arrays.copyOfRange(content, i * 250_000, (i + 1) * 250_000));
        }
        final CompletableFuture<DollyReport> client = ring.client(1);
        final String text = RawPeer.config(dialect, "n1")
                .replace("infile /in", "infile " + directory.resolve("in") + " split")
                .replace("outfile /out", "outfile /out split 150k");

        assertThat(DollyRing.get(run(text, dialect)).ok()).isTrue();

        DollyRing.get(client);
        final byte[] got = new byte[content.length];
        int at = 0;
        for (int i = 0; i < 7; i++) {
            final byte[] part = Files.readAllBytes(directory.resolve("out1_" + i));
            assertThat(part.length).isEqualTo(i < 6 ? 150 << 10 : content.length - 6 * (150 << 10));
            System.arraycopy(part, 0, got, at, part.length);
            at += part.length;
        }
        assertThat(got).isEqualTo(content);
    }

    private CompletableFuture<DollyReport> run(final String text, final Dialect dialect) throws ReplicationException {
        final byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        final DollyConfig config = DollyConfig.parse("cfg", bytes, dialect);
        return DollyRing.async(() -> {
            try (DollyServer server = DollyServer.of(
                    config, bytes, ring.options().dialect(dialect).build(), List.of(), List.of(), Duration.ZERO)) {
                return server.run();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8}) // weakness 14
    void everyClientOfATreeEnds(final int fanout) throws Exception {
        final byte[] content = DollyRing.content(3_000_000);
        final Path source = ring.file("in", content);
        final List<CompletableFuture<DollyReport>> clients = new ArrayList<>();
        for (int i = 1; i <= 7; i++) {
            clients.add(ring.client(i));
        }
        final String text = RawPeer.classicConfig(DollyRing.names(7).toArray(new String[0]))
                .replace("infile /in", "infile " + source)
                .replace("server s", "fanout " + fanout + "\nserver s");

        assertThat(DollyRing.get(run(text, Dialect.CLASSIC)).nodes()).hasSize(7).allMatch(DollyNode::ok);

        for (int i = 1; i <= 7; i++) {
            DollyRing.get(clients.get(i - 1));
            assertThat(Files.readAllBytes(ring.target(i))).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"in", "out", "both"})
    void gzipIsUnpackedOrMadeOrPassedOn(final String which) throws Exception {
        final byte[] content = DollyRing.content(700_000);
        final byte[] packed = gzip(content);
        final Path source = ring.file("in", which.equals("out") ? content : packed);
        final CompletableFuture<DollyReport> first = ring.client(1);
        final CompletableFuture<DollyReport> second = ring.client(2);
        String text = RawPeer.classicConfig("n1", "n2").replace("infile /in", "infile " + source);
        text = which.equals("out") ? text : "compressed " + text;
        text = which.equals("in") ? text : text.replace("outfile", "compressed outfile");

        assertThat(DollyRing.get(run(text, Dialect.CLASSIC)).ok()).isTrue();

        DollyRing.get(first);
        DollyRing.get(second);
        for (int i = 1; i <= 2; i++) {
            final byte[] got = Files.readAllBytes(ring.target(i));
            assertThat(which.equals("in") ? got : gunzip(got)).isEqualTo(content);
        }
    }

    private static byte[] gzip(final byte[] content) throws IOException {
        final java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        try (java.util.zip.GZIPOutputStream gzip = new java.util.zip.GZIPOutputStream(out)) {
            gzip.write(content);
        }
        return out.toByteArray();
    }

    private static byte[] gunzip(final byte[] packed) throws IOException {
        return new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(packed)).readAllBytes();
    }

    @ParameterizedTest
    @ValueSource(strings = {"add 1:-b", "add 3:-b:-c:-d", "add2 2:-b:-c", "add 0:-b", "segsize 1200"})
    void optionsOfTheHopsWorkBetweenNodesOfOurs(final String option) throws Exception {
        final byte[] content = DollyRing.content(3_000_001);
        final Path source = ring.file("in", content);
        final CompletableFuture<DollyReport> first = ring.client(1);
        final CompletableFuture<DollyReport> second = ring.client(2);
        final String text = RawPeer.classicConfig("n1", "n2")
                .replace("infile /in", "infile " + source)
                .replace("server s", option + "\nserver s");

        assertThat(DollyRing.get(run(text, Dialect.CLASSIC)).ok()).isTrue();

        DollyRing.get(first);
        DollyRing.get(second);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
        assertThat(Files.readAllBytes(ring.target(2))).isEqualTo(content);
    }

    @Test // weakness 15: two rings on the same addresses, by other ports
    void twoRingsShareTheirNodes() throws Exception {
        try (DollyRing other = new DollyRing(Files.createDirectory(directory.resolve("other")))) {
            final CompletableFuture<DollyReport> here = ring.client(1);
            final CompletableFuture<DollyReport> there = other.client(1);
            final byte[] content = DollyRing.content(10_000);
            final CompletableFuture<DollyReport> a = ring.server(config(content, 1), ring.options());
            final CompletableFuture<DollyReport> b = other.server(config(content, 1), other.options());

            assertThat(DollyRing.get(a).ok() && DollyRing.get(b).ok()).isTrue();
            DollyRing.get(here);
            DollyRing.get(there);
        }
    }

    @Test // weakness 15
    void ipv6Works() throws Exception {
        final DollyOptions.Builder options =
                ring.options().bind("::1").pin(ring.target(1).toString());
        final CompletableFuture<DollyReport> client = DollyRing.async(() -> {
            try (DollyClient node = DollyClient.open(
                    options.environment(java.util.Map.of("MYNODENAME", "six")).build())) {
                return node.run();
            }
        });

        final DollyReport report = DollyRing.get(ring.server(
                DollyConfig.of(ring.file("in", new byte[5]).toString(), "/out", "s", List.of("six")),
                ring.options().resolver(name -> "::1")));

        assertThat(report.ok()).isTrue();
        DollyRing.get(client);
    }
}
