package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our client between a server and a client that are not ours. */
class ClientWireTest {
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

    private RawPeer parentOf(final int node, final boolean slowly) throws IOException {
        return closing(new RawPeer(slowly)).connectTo(DollyRing.address(node), ring.dataPort, ring.controlPort);
    }

    /** Configures the client as a parent does, and waits until it is ready. */
    private void configure(final RawPeer parent, final Dialect dialect, final String config, final String name)
            throws IOException {
        if (dialect == Dialect.MODERN) {
            parent.say(new byte[] {0});
            parent.say(new byte[] {0, 0, 0, 0});
        }
        parent.say(config);
        assertThat(parent.line()).isEqualTo(RawPeer.configured(dialect, name));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(dialect, name));
    }

    private void expectAcknowledgement(final RawPeer parent, final long bytes) throws IOException {
        assertThat(RawPeer.number(RawPeer.exactly(parent.control, 8))).isEqualTo(bytes);
        assertThat(parent.control.getInputStream().read()).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({"CLASSIC,false", "CLASSIC,true", "MODERN,false", "MODERN,true"})
    void lastClientStoresAndAcknowledges(final Dialect dialect, final boolean slowly) throws Exception {
        final byte[] content = DollyRing.content(slowly ? 5_000 : 3_000_000);
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, slowly);
        configure(parent, dialect, RawPeer.config(dialect, "n1"), "n1");
        parent.write(parent.data, content);
        parent.say(RawPeer.number(content.length, 8));

        expectAcknowledgement(parent, content.length);

        assertThat(DollyRing.get(client).bytes()).isEqualTo(content.length);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @ParameterizedTest
    @EnumSource
    void endMarkMayComeBeforeTheData(final Dialect dialect) throws Exception {
        final byte[] content = DollyRing.content(700_001);
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, dialect, RawPeer.config(dialect, "n1"), "n1");
        parent.say(RawPeer.number(content.length, 8));
        parent.write(parent.data, content);

        expectAcknowledgement(parent, content.length);

        DollyRing.get(client);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @ParameterizedTest
    @EnumSource
    void configurationAndEndMarkMayComeInOneWrite(final Dialect dialect) throws Exception {
        final byte[] content = DollyRing.content(1_000);
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        final byte[] config = RawPeer.config(dialect, "n1").getBytes(StandardCharsets.UTF_8);
        final byte[] head = dialect == Dialect.MODERN ? new byte[5] : new byte[0];
        final byte[] all = Arrays.copyOf(head, head.length + config.length + 8);
        System.arraycopy(config, 0, all, head.length, config.length);
        System.arraycopy(RawPeer.number(content.length, 8), 0, all, head.length + config.length, 8);
        parent.say(all);
        parent.write(parent.data, content);

        assertThat(parent.line()).isEqualTo(RawPeer.configured(dialect, "n1"));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(dialect, "n1"));
        expectAcknowledgement(parent, content.length);

        DollyRing.get(client);
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @ParameterizedTest
    @EnumSource
    void emptySourceMakesAnEmptyFile(final Dialect dialect) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, dialect, RawPeer.config(dialect, "n1"), "n1");
        parent.say(RawPeer.number(0, 8));
        parent.data.close();

        expectAcknowledgement(parent, 0);

        DollyRing.get(client);
        assertThat(ring.target(1)).isEmptyFile();
    }

    @ParameterizedTest
    @CsvSource({"CLASSIC,false", "CLASSIC,true", "MODERN,false", "MODERN,true"})
    void middleForwardsTheSameBytesToAnOldChild(final Dialect dialect, final boolean slowly) throws Exception {
        final byte[] content = DollyRing.content(slowly ? 5_000 : 3_000_000);
        final String config = RawPeer.config(dialect, "n1", "n2", "n3");
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, slowly);
        final RawPeer child = closing(new RawPeer(slowly));
        if (dialect == Dialect.MODERN) {
            parent.say(new byte[5]);
        }
        parent.say(config);
        assertThat(parent.line()).isEqualTo(RawPeer.configured(dialect, "n1"));

        child.control = RawPeer.accept(controls);
        if (dialect == Dialect.MODERN) {
            assertThat(RawPeer.exactly(child.control, 5)).containsExactly(0, 0, 0, 0, 0);
        }
        assertThat(new String(child.config(), StandardCharsets.UTF_8)).isEqualTo(config);
        child.data = RawPeer.accept(datas);
        child.say(RawPeer.configured(dialect, "n2") + "\n");
        child.say(RawPeer.ready(dialect, "n2") + "\n");
        child.say(RawPeer.configured(dialect, "n3") + "\n" + RawPeer.ready(dialect, "n3") + "\n");

        assertThat(parent.line()).isEqualTo(RawPeer.ready(dialect, "n1"));
        assertThat(parent.line()).isEqualTo(RawPeer.configured(dialect, "n2"));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(dialect, "n2"));
        assertThat(parent.line()).isEqualTo(RawPeer.configured(dialect, "n3"));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(dialect, "n3"));

        final CompletableFuture<byte[]> got = DollyRing.async(() -> RawPeer.exactly(child.data, content.length));
        parent.write(parent.data, content);
        assertThat(DollyRing.get(got)).isEqualTo(content);
        parent.say(RawPeer.number(content.length, 8));
        assertThat(RawPeer.number(RawPeer.exactly(child.control, 8))).isEqualTo(content.length);
        child.say(RawPeer.number(content.length, 8));

        expectAcknowledgement(parent, content.length);
        assertThat(DollyRing.get(client).ok()).isTrue();
        assertThat(Files.readAllBytes(ring.target(1))).isEqualTo(content);
    }

    @Test
    void middleForwardsTheEndMarkWhileDataIsInFlight() throws Exception {
        final String config = RawPeer.classicConfig("n1", "n2");
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        ring.client(1);
        final RawPeer parent = parentOf(1, false);
        final RawPeer child = closing(new RawPeer(false));
        parent.say(config);
        child.control = RawPeer.accept(controls);
        child.config();
        child.data = RawPeer.accept(datas);

        parent.say(RawPeer.number(100, 8));

        assertThat(RawPeer.number(RawPeer.exactly(child.control, 8))).isEqualTo(100);
    }

    @Test
    void middleAcknowledgesOnlyWhenItsChildHas() throws Exception {
        final String config = RawPeer.classicConfig("n1", "n2");
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        final RawPeer child = closing(new RawPeer(false));
        parent.say(config);
        child.control = RawPeer.accept(controls);
        child.config();
        child.data = RawPeer.accept(datas);
        child.say(RawPeer.configured(Dialect.CLASSIC, "n2") + "\n" + RawPeer.ready(Dialect.CLASSIC, "n2") + "\n");
        parent.write(parent.data, new byte[100]);
        parent.say(RawPeer.number(100, 8));
        child.say(RawPeer.number(99, 8));

        assertThat(parent.line()).startsWith("Host got");
        assertThat(parent.line()).isEqualTo(RawPeer.ready(Dialect.CLASSIC, "n1"));
        assertThat(parent.line()).startsWith("Host got");
        assertThat(parent.line()).isEqualTo(RawPeer.ready(Dialect.CLASSIC, "n2"));
        assertThat(RawPeer.toEnd(parent.control)).isEmpty();
        assertThat(DollyRing.get(client).ok()).isFalse();
        assertThat(ring.target(1)).hasBinaryContent(new byte[100]);
    }

    @ParameterizedTest
    @ValueSource(ints = {1447, 1448, 1449, 2896, 4094, 4095})
    void configurationOfAnyLengthIsForwardedUnchanged(final int length) throws Exception {
        final String config = configOf(length);
        final String wire = length == 1448 ? config + " " : config;
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        final RawPeer child = closing(new RawPeer(false));
        parent.say(wire);
        child.control = RawPeer.accept(controls);

        assertThat(new String(child.config(), StandardCharsets.UTF_8)).isEqualTo(wire);

        child.data = RawPeer.accept(datas);
        parent.write(parent.data, new byte[32]);
        parent.say(RawPeer.number(32, 8));
        assertThat(RawPeer.exactly(child.data, 32)).containsOnly(0);
        assertThat(RawPeer.number(RawPeer.exactly(child.control, 8))).isEqualTo(32);
        child.say(RawPeer.number(32, 8));
        assertThat(DollyRing.get(client).bytes()).isEqualTo(32);
    }

    /** A configuration of n1 and n2 and enough others to make it exactly so long. */
    static String configOf(final int length) {
        for (int others = 0; others < 200; others++) {
            final List<String> hosts = new ArrayList<>(List.of("n1", "n2"));
            for (int i = 0; i < others; i++) {
                hosts.add("a-host-with-a-long-name-" + (100 + i));
            }
            final int missing =
                    length - RawPeer.classicConfig(hosts.toArray(new String[0])).length();
            if (missing >= 0 && missing < 60) {
                return RawPeer.classicConfig(hosts.toArray(new String[0]))
                        .replace("server s", "server s" + "x".repeat(missing));
            }
        }
        throw new AssertionError(length);
    }

    @Test
    void configurationWithoutALastLineEndIsUnderstood() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1").stripTrailing(), "n1");
        parent.say(RawPeer.number(0, 8));

        expectAcknowledgement(parent, 0);
        DollyRing.get(client);
    }

    @ParameterizedTest
    @ValueSource(strings = {"endconfig \n", "endconfig ", "endconfig\r\n", "endconfig\n\n"})
    void lastLineMayBeFollowedByBlanks(final String last) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1").replace("endconfig\n", last), "n1");
        parent.say(RawPeer.number(0, 8));

        expectAcknowledgement(parent, 0);
        DollyRing.get(client);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void configurationWithCarriageReturnsIsUnderstood(final boolean slowly) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, slowly);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1").replace("\n", "\r\n"), "n1");
        parent.say(RawPeer.number(0, 8));

        expectAcknowledgement(parent, 0);
        DollyRing.get(client);
    }

    @Test
    void configurationOf1448BytesGetsItsSpaceOnTheWayToAnOldChild() throws Exception {
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        ring.client(1);
        final RawPeer parent = parentOf(1, false);
        final RawPeer child = closing(new RawPeer(false));
        parent.say(configOf(1448));
        child.control = RawPeer.accept(controls);

        assertThat(child.config()).hasSize(1449).endsWith(' ');
    }

    /** It was for us: an old server counts words in what one read gets, and the less that is the better. */
    @Test
    void announcementOfTheChildDoesNotFlowBackToAnOldParent() throws Exception {
        final ServerSocket controls = closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        final ServerSocket datas = closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1", "n2"), "n1");
        final RawPeer child = closing(new RawPeer(false));
        child.control = RawPeer.accept(controls);
        child.config();
        child.data = RawPeer.accept(datas);

        child.say(RawPeer.configured(Dialect.CLASSIC, "n2") + " [replicate 1 " + "0".repeat(32) + "]\n");

        assertThat(parent.rawLine()).isEqualTo(RawPeer.configured(Dialect.CLASSIC, "n2"));
    }

    @Test
    void silentDataConnectionThatIsStillOpenIsPassedOver() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final Socket stale = closing(RawPeer.connect(DollyRing.address(1), ring.dataPort));
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.write(parent.data, new byte[] {7, 8, 9});
        parent.say(RawPeer.number(3, 8));

        expectAcknowledgement(parent, 3);

        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {7, 8, 9});
        assertThat(stale.getInputStream().read()).isEqualTo(-1);
    }

    @Test
    void lengthsBeyondFourGigabytesAreNotCutOff() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.say(RawPeer.number((5L << 32) + 3, 8));
        parent.write(parent.data, new byte[] {7, 8, 9});
        parent.data.shutdownOutput();

        assertThat(DollyRing.failureOf(client)).contains("3 bytes of " + ((5L << 32) + 3));
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void passwordIsProvenAndWrongOnesDoNotEndTheClient() throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("topsecret"));
        for (final byte[] wrong : new byte[][] {{0}, {1}, {'i'}}) {
            final RawPeer stranger = parentOf(1, false);
            stranger.say(wrong);
            if (wrong[0] == 1) {
                final byte[] nonce = new byte[32];
                stranger.say(nonce);
                assertThat(RawPeer.exactly(stranger.control, 32))
                        .isNotEqualTo(RawPeer.answer("wrong", nonce))
                        .isEqualTo(RawPeer.answer("topsecret", nonce));
                stranger.say("AUTH_FAILED:n1\0");
            } else if (wrong[0] == 'i') {
                stranger.say(RawPeer.classicConfig("n1").substring(1));
            }
            assertThat(stranger.control.getInputStream().read()).isEqualTo(-1);
            stranger.close();
        }
        final RawPeer parent = parentOf(1, false);
        final byte[] nonce = DollyRing.content(32);
        parent.say(new byte[] {1});
        parent.say(nonce);
        assertThat(RawPeer.exactly(parent.control, 32)).isEqualTo(RawPeer.answer("topsecret", nonce));
        parent.say("OK\0");
        parent.say(new byte[4]);
        parent.say(RawPeer.modernConfig("n1"));
        assertThat(parent.line()).isEqualTo(RawPeer.configured(Dialect.MODERN, "n1"));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(Dialect.MODERN, "n1"));
        parent.write(parent.data, new byte[] {1, 2, 3});
        parent.say(RawPeer.number(3, 8));

        expectAcknowledgement(parent, 3);

        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {1, 2, 3});
    }

    @Test
    void portScanAndSilentStrangersDoNotKeepTheServerOut() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        for (int i = 0; i < 12; i++) {
            RawPeer.connect(DollyRing.address(1), ring.controlPort).close();
            RawPeer.connect(DollyRing.address(1), ring.dataPort).close();
        }
        final Socket silent = closing(RawPeer.connect(DollyRing.address(1), ring.controlPort));
        final Socket garbage = closing(RawPeer.connect(DollyRing.address(1), ring.controlPort));
        garbage.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.write(parent.data, new byte[] {7});
        parent.say(RawPeer.number(1, 8));

        expectAcknowledgement(parent, 1);

        DollyRing.get(client);
        assertThat(silent.getInputStream().read()).isEqualTo(-1);
    }

    @Test
    void staleDataConnectionOfADeadServerIsPassedOver() throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        RawPeer.connect(DollyRing.address(1), ring.dataPort).close();
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.MODERN, RawPeer.modernConfig("n1"), "n1");
        parent.write(parent.data, new byte[] {7, 8});
        parent.say(RawPeer.number(2, 8));

        expectAcknowledgement(parent, 2);

        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {7, 8});
    }

    /** No parent sends before this node is ready, so what has come until then is nobody's data. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void dataConnectionThatHasSpokenTooEarlyIsPassedOver(final boolean open) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1);
        for (int i = 0; i < 5; i++) {
            final Socket stranger = closing(RawPeer.connect(DollyRing.address(1), ring.dataPort));
            stranger.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            if (!open) {
                stranger.close();
            }
        }
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.write(parent.data, new byte[] {7, 8});
        parent.say(RawPeer.number(2, 8));

        expectAcknowledgement(parent, 2);

        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {7, 8});
    }

    @Test
    void parentThatSpeaksTooEarlyIsHeardThoughAStrangerKeepsSilent() throws Exception {
        final Duration second = Duration.ofSeconds(1);
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().waits(second, second, DollyRing.WAIT));
        final RawPeer parent = parentOf(1, false);
        closing(RawPeer.connect(DollyRing.address(1), ring.dataPort));
        parent.write(parent.data, new byte[] {7, 8});
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.say(RawPeer.number(2, 8));

        expectAcknowledgement(parent, 2);

        DollyRing.get(client);
        assertThat(ring.target(1)).hasBinaryContent(new byte[] {7, 8});
    }

    @ParameterizedTest
    @ValueSource(strings = {"short", "long", "control", "silent"})
    void brokenTransferLeavesNothingUnderTheFinalName(final String how) throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().waits(DollyRing.WAIT, Duration.ofSeconds(3), DollyRing.WAIT));
        final RawPeer parent = parentOf(1, false);
        configure(parent, Dialect.CLASSIC, RawPeer.classicConfig("n1"), "n1");
        parent.write(parent.data, new byte[1000]);
        switch (how) {
            case "short" -> {
                parent.say(RawPeer.number(1001, 8));
                parent.data.close();
            }
            case "long" -> parent.say(RawPeer.number(999, 8));
            case "control" -> parent.control.close();
            default -> assertThat(how).isEqualTo("silent");
        }

        assertThat(DollyRing.failureOf(client)).isNotEmpty();
        if (!how.equals("control")) {
            assertThat(RawPeer.toEnd(parent.control)).isEmpty();
        }
        assertThat(directory).isEmptyDirectory();
    }
}
