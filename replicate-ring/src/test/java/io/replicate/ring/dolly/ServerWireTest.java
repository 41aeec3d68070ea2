package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
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

/** Our server with clients that are not ours. */
class ServerWireTest {
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

    /** A client that listens; it accepts the control connection first, reads all of it, and then the data connection. */
    private final class Listening {
        private final ServerSocket controls;
        private final ServerSocket datas;

        Listening(final int node) throws IOException {
            controls = closing(RawPeer.listen(DollyRing.address(node), ring.controlPort));
            datas = closing(RawPeer.listen(DollyRing.address(node), ring.dataPort));
        }

        RawPeer control(final boolean slowly) throws IOException {
            final RawPeer peer = closing(new RawPeer(slowly));
            peer.control = RawPeer.accept(controls);
            return peer;
        }

        void data(final RawPeer peer) throws IOException {
            peer.data = RawPeer.accept(datas);
        }
    }

    private DollyConfig config(final byte[] content, final String... hosts) throws IOException {
        return DollyConfig.of(ring.file("in", content).toString(), "/out", "s", List.of(hosts));
    }

    @ParameterizedTest
    @CsvSource({"CLASSIC,false", "CLASSIC,true", "MODERN,false", "MODERN,true"})
    void configuresFeedsAndIsAcknowledged(final Dialect dialect, final boolean slowly) throws Exception {
        final byte[] content = DollyRing.content(2_000_003);
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server =
                ring.server(config(content, "n1"), ring.options().dialect(dialect));
        final RawPeer peer = client.control(slowly);
        if (dialect == Dialect.MODERN) {
            assertThat(RawPeer.exactly(peer.control, 5)).containsExactly(0, 0, 0, 0, 0);
        }
        final String expected = dialect == Dialect.CLASSIC
                ? "infile " + directory.resolve("in")
                        + "\noutfile /out\nserver s\nfirstclient n1\nlastclient n1\nclients 1\nn1\nendconfig\n"
                : "infile " + directory.resolve("in") + "\noutfile /out\nn1\nendconfig\n";
        assertThat(new String(peer.config(), StandardCharsets.UTF_8)).isEqualTo(expected);
        client.data(peer);
        peer.say(RawPeer.configured(dialect, "n1") + "\n");
        peer.say(RawPeer.ready(dialect, "n1") + "\n");

        assertThat(RawPeer.toEnd(peer.data)).isEqualTo(content);
        assertThat(RawPeer.number(RawPeer.exactly(peer.control, 8))).isEqualTo(content.length);
        peer.say(RawPeer.number(content.length, 8));

        final DollyReport report = DollyRing.get(server);
        assertThat(report.ok()).isTrue();
        assertThat(report.nodes()).extracting(DollyNode::state).containsExactly(DollyNode.State.ACKNOWLEDGED);
        assertThat(RawPeer.toEnd(peer.control)).isEmpty();
    }

    @Test
    void endMarkComesBehindTheDataToAnOldClient() throws Exception {
        final byte[] content = DollyRing.content(20_000_000);
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server =
                ring.server(config(content, "n1"), ring.options().socketBufferBytes(64 << 10));
        final RawPeer peer = client.control(false);
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(Dialect.CLASSIC, "n1") + "\n" + RawPeer.ready(Dialect.CLASSIC, "n1") + "\n");
        RawPeer.exactly(peer.data, 1);
        peer.control.setSoTimeout(300);
        assertThatThrownBy(() -> peer.control.getInputStream().read()).hasMessageContaining("timed out");

        peer.control.setSoTimeout(20_000);
        assertThat(RawPeer.toEnd(peer.data)).hasSize(content.length - 1);
        assertThat(RawPeer.number(RawPeer.exactly(peer.control, 8))).isEqualTo(content.length);
        peer.say(RawPeer.number(content.length, 8));
        assertThat(DollyRing.get(server).ok()).isTrue();
    }

    @Test
    void carriageReturnsDoNotReachOldClients() throws Exception {
        final String text = RawPeer.classicConfig("n1");

        assertThat(DollyServer.wire(text.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(text.getBytes(StandardCharsets.UTF_8));
        assertThat(DollyServer.wire(text.stripTrailing().getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(text.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @EnumSource
    void namesThatContainReadyDoNotStartTheDataEarly(final Dialect dialect) throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = ring.server(
                config(new byte[1], "ready1", "ready2"), ring.options().dialect(dialect));
        final RawPeer peer = client.control(false);
        RawPeer.exactly(peer.control, dialect == Dialect.MODERN ? 5 : 0);
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(dialect, "ready1") + "\n" + RawPeer.ready(dialect, "ready1") + "\n");
        peer.say(RawPeer.configured(dialect, "ready2") + "\n");
        peer.data.setSoTimeout(300);
        assertThatThrownBy(() -> peer.data.getInputStream().read()).hasMessageContaining("timed out");

        peer.say(RawPeer.ready(dialect, "ready2") + "\n");
        peer.data.setSoTimeout(10_000);
        assertThat(RawPeer.toEnd(peer.data)).hasSize(1);
        peer.say(RawPeer.number(1, 8));

        assertThat(DollyRing.get(server).ok()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 10, 99, 101, 1L << 40})
    void wrongAcknowledgementIsAFailure(final long acknowledged) throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = ring.server(config(new byte[100], "n1"), ring.options());
        final RawPeer peer = client.control(false);
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(Dialect.CLASSIC, "n1") + "\n" + RawPeer.ready(Dialect.CLASSIC, "n1") + "\n");
        RawPeer.toEnd(peer.data);
        peer.say(RawPeer.number(acknowledged, 8));

        final DollyReport report = DollyRing.get(server);

        assertThat(report.ok()).isFalse();
        assertThat(report.nodes().get(0).reason()).contains("acknowledged " + acknowledged + " bytes of 100");
    }

    @Test
    void acknowledgementThatLooksLikeALineIsOne() throws Exception {
        final Listening client = new Listening(1);
        final byte[] content = new byte[0x0A48]; // 'H', line feed
        final CompletableFuture<DollyReport> server = ring.server(config(content, "n1"), ring.options());
        final RawPeer peer = client.control(true);
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(Dialect.CLASSIC, "n1") + "\n" + RawPeer.ready(Dialect.CLASSIC, "n1") + "\n");
        RawPeer.toEnd(peer.data);
        peer.say(RawPeer.number(content.length, 8));

        assertThat(DollyRing.get(server).ok()).isTrue();
    }

    @Test
    void passwordIsAskedForAndOkComesAlone() throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = ring.server(
                config(new byte[9], "n1"),
                ring.options().dialect(Dialect.MODERN).password("topsecret"));
        final RawPeer peer = client.control(false);
        assertThat(RawPeer.exactly(peer.control, 1)).containsExactly(1);
        final byte[] proof = RawPeer.answer("topsecret", RawPeer.exactly(peer.control, 32));
        final long beginNs = System.nanoTime();
        peer.say(proof);
        assertThat(RawPeer.exactly(peer.control, 3)).containsExactly('O', 'K', 0);
        assertThat(RawPeer.exactly(peer.control, 4)).containsExactly(0, 0, 0, 0);
        // between proof and configuration: so it holds however late this thread reads
        assertThat(Duration.ofNanos(System.nanoTime() - beginNs))
                .as("old clients swallow what comes together with OK")
                .isGreaterThanOrEqualTo(Duration.ofMillis(200));
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(Dialect.MODERN, "n1") + "\n" + RawPeer.ready(Dialect.MODERN, "n1") + "\n");
        assertThat(RawPeer.toEnd(peer.data)).hasSize(9);
        peer.say(RawPeer.number(9, 8));

        assertThat(DollyRing.get(server).ok()).isTrue();
    }

    @Test
    void clientWithAnotherPasswordIsRefusedAndGetsNoDataConnection() throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = ring.server(
                config(new byte[9], "n1"),
                ring.options().dialect(Dialect.MODERN).password("topsecret"));
        final RawPeer peer = client.control(false);
        RawPeer.exactly(peer.control, 33);
        peer.say(new byte[32]);

        assertThat(new String(RawPeer.toEnd(peer.control), StandardCharsets.UTF_8))
                .isEqualTo("AUTH_FAILED:n1\0");
        assertThat(DollyRing.failureOf(server)).contains("another password");
        client.datas.setSoTimeout(200);
        assertThatThrownBy(client.datas::accept).hasMessageContaining("timed out");
    }

    @Test
    void clientThatAsksForAPasswordIsNamed() throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server =
                ring.server(config(new byte[9], "n1"), ring.options().dialect(Dialect.MODERN));
        final RawPeer peer = client.control(false);
        RawPeer.exactly(peer.control, 1);
        peer.control.close();

        assertThat(DollyRing.failureOf(server)).contains("n1").contains("password");
    }

    /** An old client reads the flag only: what else was sent makes its kernel answer with a reset. */
    @Test
    void clientWithoutAPasswordIsNamedAlsoWhenItResets() throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = ring.server(
                config(new byte[9], "n1"),
                ring.options().dialect(Dialect.MODERN).password("topsecret"));
        final RawPeer peer = client.control(false);
        RawPeer.exactly(peer.control, 1);
        peer.control.setSoLinger(true, 0);
        peer.control.close();

        assertThat(DollyRing.failureOf(server)).contains("client n1").contains("has no password (-P)");
    }

    /** A real server only counts. */
    @ParameterizedTest
    @EnumSource
    void clientThatCallsItselfOtherwiseThanTheListIsCounted(final Dialect dialect) throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server =
                ring.server(config(new byte[9], "n1", "n2"), ring.options().dialect(dialect));
        final RawPeer peer = client.control(false);
        if (dialect == Dialect.MODERN) {
            RawPeer.exactly(peer.control, 5);
        }
        peer.config();
        client.data(peer);
        peer.say(RawPeer.configured(dialect, "ready-1.site") + "\n" + RawPeer.ready(dialect, "ready-1.site") + "\n");
        peer.say(RawPeer.configured(dialect, "n2") + "\n" + RawPeer.ready(dialect, "n2") + "\n");

        assertThat(RawPeer.toEnd(peer.data)).hasSize(9);
        peer.say(RawPeer.number(9, 8));

        assertThat(DollyRing.get(server).ok()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"1447,1447", "1448,1449", "1449,1449", "4095,4095"})
    void configurationIsSentVerbatimExceptOneOf1448Bytes(final int length, final int sent) throws Exception {
        final byte[] text = ClientWireTest.configOf(length).getBytes(StandardCharsets.UTF_8);

        final byte[] wire = DollyServer.wire(text);

        assertThat(wire).hasSize(sent).startsWith(text);
        assertThat(new String(wire, StandardCharsets.UTF_8).substring(length)).isBlank();
    }

    @Test
    void configurationThatNoClientCouldReadIsRefused() {
        assertThatThrownBy(() -> DollyServer.wire(ClientWireTest.configOf(4096).getBytes(StandardCharsets.UTF_8)))
                .hasMessageContaining("4096")
                .hasMessageContaining("4095");
    }

    @Test
    void fanoutFeedsAllChildrenOfATree() throws Exception {
        final byte[] content = DollyRing.content(300_000);
        final Path source = Files.write(directory.resolve("in"), content);
        final String text = RawPeer.classicConfig("n1", "n2")
                .replace("infile /in", "infile " + source)
                .replace("server s", "fanout 2\nserver s");
        final Listening first = new Listening(1);
        final Listening second = new Listening(2);
        final CompletableFuture<DollyReport> server = DollyRing.async(() -> DollyServer.of(
                        DollyConfig.parse("cfg", text.getBytes(StandardCharsets.UTF_8), Dialect.CLASSIC),
                        text.getBytes(StandardCharsets.UTF_8),
                        ring.options().build(),
                        List.of(),
                        List.of(),
                        Duration.ZERO)
                .run());
        final List<CompletableFuture<byte[]>> all = new ArrayList<>();
        for (final Listening each : List.of(first, second)) {
            final RawPeer peer = each.control(false);
            assertThat(new String(peer.config(), StandardCharsets.UTF_8)).isEqualTo(text);
            each.data(peer);
            final String name = each == first ? "n1" : "n2";
            peer.say(RawPeer.configured(Dialect.CLASSIC, name) + "\n" + RawPeer.ready(Dialect.CLASSIC, name) + "\n");
            all.add(DollyRing.async(() -> {
                final byte[] got = RawPeer.toEnd(peer.data);
                peer.say(RawPeer.exactly(peer.control, 8));
                return got;
            }));
        }

        for (final CompletableFuture<byte[]> each : all) {
            assertThat(DollyRing.get(each)).isEqualTo(content);
        }
        assertThat(DollyRing.get(server).nodes()).hasSize(2).allMatch(DollyNode::ok);
    }

    @Test
    void addedLinksBeginWithTheirNumberAndTakeTurnsByBlocks() throws Exception {
        final byte[] content = DollyRing.content(4096 * 7 + 11);
        final Path source = Files.write(directory.resolve("in"), content);
        final String text = RawPeer.classicConfig("n1")
                .replace("infile /in", "infile " + source)
                .replace("server s", "add 2:-b:-c\nserver s");
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = DollyRing.async(() -> DollyServer.of(
                        DollyConfig.parse("cfg", text.getBytes(StandardCharsets.UTF_8), Dialect.CLASSIC),
                        text.getBytes(StandardCharsets.UTF_8),
                        ring.options().build(),
                        List.of(),
                        List.of(),
                        Duration.ZERO)
                .run());
        final RawPeer peer = client.control(false);
        peer.config();
        final java.net.Socket[] links = new java.net.Socket[3];
        for (int i = 0; i < 3; i++) {
            final java.net.Socket link = closing(RawPeer.accept(client.datas));
            links[(int) RawPeer.number(RawPeer.exactly(link, 4))] = link;
        }
        peer.say(RawPeer.configured(Dialect.CLASSIC, "n1") + "\n" + RawPeer.ready(Dialect.CLASSIC, "n1") + "\n");
        final byte[] got = new byte[content.length];
        for (int at = 0, block = 0; at < got.length; block++) {
            final byte[] bytes = RawPeer.exactly(links[block % 3], Math.min(4096, got.length - at));
            System.arraycopy(bytes, 0, got, at, bytes.length);
            at += bytes.length;
        }
        peer.say(RawPeer.number(content.length, 8));

        assertThat(got).isEqualTo(content);
        assertThat(DollyRing.get(server).ok()).isTrue();
    }
}
