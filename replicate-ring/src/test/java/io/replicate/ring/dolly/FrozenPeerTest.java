package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A neighbour stops in the middle of each phase, without ending its connections: our node ends in time, says what it
 * has waited for, and leaves nothing under the final name.
 */
class FrozenPeerTest {
    /**
     * The wait that a test proves; all others are {@link #LONG}. A scripted peer does nothing within it but what one call
     * of the kernel does behind another: so nothing depends on how quick it is.
     */
    private static final Duration SHORT = Duration.ofSeconds(2);

    /** What no test reaches. */
    private static final Duration LONG = Duration.ofSeconds(40);

    /** More than all buffers on the way hold. */
    private static final int MUCH = 60_000_000;

    private static final byte[] MAGIC = {'r', 'p', 'l', 'd', 'l', 'y', '1', (byte) 0xFF};

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

    private DollyOptions.Builder shortStart() {
        return ring.options().waitForServer(LONG).waits(SHORT, LONG, LONG);
    }

    private DollyOptions.Builder shortIdle() {
        return ring.options().waitForServer(LONG).waits(LONG, SHORT, LONG);
    }

    private DollyOptions.Builder shortFinish() {
        return ring.options().waitForServer(LONG).waits(LONG, LONG, SHORT);
    }

    /** Behaves as a parent does until it freezes. */
    private void freezeAsParent(final RawPeer parent, final String phase, final String hosts) throws Exception {
        final boolean modern = phase.startsWith("modern");
        final boolean noData = phase.equals("data connection");
        parent.control = RawPeer.connect(DollyRing.address(1), ring.controlPort);
        switch (phase) {
            case "first word" -> {
                return;
            }
            case "half configuration" -> {
                parent.say("infile /in\noutfile /out\n");
                return;
            }
            case "modern flag" -> {
                parent.say(new byte[] {0});
                return;
            }
            case "modern mode" -> {
                parent.say(new byte[] {0, 0, 0});
                return;
            }
            default -> parent.data = noData ? parent.data : RawPeer.connect(DollyRing.address(1), ring.dataPort);
        }
        if (modern) {
            parent.say(new byte[] {0});
            parent.say(new byte[] {0, 0, 0, 0});
            parent.say(RawPeer.modernConfig(hosts.split(",")));
        } else {
            parent.say(RawPeer.classicConfig(hosts.split(",")));
        }
        if (noData) {
            return;
        }
        parent.line();
        switch (phase) {
            case "half data" -> parent.write(parent.data, new byte[1000]);
            case "end mark" -> {
                parent.write(parent.data, new byte[1000]);
                parent.data.shutdownOutput();
            }
            case "half end mark" -> {
                parent.say(new byte[] {0, 4, 0});
                parent.write(parent.data, new byte[1000]);
            }
            case "rest of the data" -> {
                parent.say(RawPeer.number(1001, 8));
                parent.write(parent.data, new byte[1000]);
            }
            case "own ping" -> hello(parent, " frames\n");
            case "half hello" -> parent.say(MAGIC);
            case "own sum" -> {
                parent.write(parent.data, new byte[1000]);
                hello(parent, "\nend 1000\n");
            }
            case "half frame" -> {
                hello(parent, " frames\n");
                parent.write(parent.data, new byte[10]);
            }
            default -> assertThat(phase).isIn("data", "modern data");
        }
    }

    /** In one message, so that no wait begins in the middle of it. */
    private static void hello(final RawPeer parent, final String rest) throws IOException {
        final byte[] text = ("hello -" + rest).getBytes(StandardCharsets.US_ASCII);
        parent.say(ByteBuffer.allocate(MAGIC.length + text.length)
                .put(MAGIC)
                .put(text)
                .array());
    }

    /** The parent speaks before the client begins to wait. */
    @ParameterizedTest
    @ValueSource(strings = {"first word", "half configuration", "modern flag", "modern mode"})
    void clientGivesUpAParentThatDoesNotSayWhatToDo(final String phase) throws Exception {
        try (DollyClient client = DollyClient.open(ring.options()
                .bind(DollyRing.address(1))
                .waits(LONG, LONG, LONG)
                .waitForServer(SHORT)
                .build())) {
            freezeAsParent(closing(new RawPeer(false)), phase, "n1");

            assertThat(DollyRing.failureOf(DollyRing.async(client::run))).contains("no server came within 2 s");
        }
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({
        "data connection, did not open its data connection within 2 s",
        "data, no data for 4.0 s",
        "modern data, no data for 4.0 s",
        "half hello, no data for 4.0 s"
    })
    void lastClientGivesUpAParentThatDoesNotBegin(final String phase, final String said) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1, shortStart());

        freezeAsParent(closing(new RawPeer(false)), phase, "n1");

        assertThat(DollyRing.failureOf(client)).contains(said);
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({
        "half data, no data for 2.0 s",
        "end mark, has not said whether that is all",
        "half end mark, no data for 2.0 s",
        "rest of the data, no data for 2.0 s",
        "own ping, has said nothing for 2.0 s",
        "own sum, has not sent the digest",
        "half frame, no data for 2.0 s"
    })
    void lastClientGivesUpAFrozenParent(final String phase, final String said) throws Exception {
        final CompletableFuture<DollyReport> client = ring.client(1, shortIdle());

        freezeAsParent(closing(new RawPeer(false)), phase, "n1");

        // a parent of ours is silent on both connections: either may be noticed first
        assertThat(DollyRing.failureOf(client))
                .containsAnyOf(said, phase.equals("half frame") ? "has said nothing for 2.0 s" : said);
        assertThat(directory).isEmptyDirectory();
    }

    @ParameterizedTest
    @CsvSource({"half nonce, false", "verdict, false", "half mode, true"})
    void clientWithAPasswordPassesOverAFrozenParent(final String phase, final boolean accepted) throws Exception {
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().password("secret").waitForServer(Duration.ofSeconds(5)));

        final RawPeer parent = closing(new RawPeer(false));
        parent.control = RawPeer.connect(DollyRing.address(1), ring.controlPort);
        parent.say(new byte[] {1});
        parent.say(new byte[phase.equals("half nonce") ? 31 : 32]);
        if (!phase.equals("half nonce")) {
            assertThat(RawPeer.exactly(parent.control, 32)).isEqualTo(RawPeer.answer("secret", new byte[32]));
        }
        if (accepted) {
            parent.say("OK\0");
            parent.say(new byte[] {0, 0});
        }

        assertThat(DollyRing.failureOf(client)).contains("no server came");
    }

    /** The server waits for all to be ready, so it is not the one to blame. */
    @Test
    void middleWithoutDataNamesTheChildThatIsNotReady() throws Exception {
        closing(RawPeer.listen(DollyRing.address(2), ring.controlPort));
        closing(RawPeer.listen(DollyRing.address(2), ring.dataPort));
        final Duration second = Duration.ofSeconds(1);
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().waits(second, second, second));
        final RawPeer parent =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        parent.say(RawPeer.classicConfig("n1", "n2"));

        assertThat(DollyRing.failureOf(client)).contains("no data for").endsWith("not ready: n2");
    }

    /** A middle node keeps its own copy: it is whole; but it does not acknowledge, and reports the other one. */
    @ParameterizedTest
    @CsvSource({"accept, 100000", "configured, 100000", "ready, 100000", "data, 60000000", "acknowledgement, 100000"})
    void middleGivesUpAFrozenChild(final String phase, final int length) throws Exception {
        final Listening child = new Listening(2);
        final byte[] content = DollyRing.content(length);
        final CompletableFuture<DollyReport> client =
                ring.client(1, ring.options().waits(LONG, Duration.ofSeconds(4), Duration.ofSeconds(1)));
        final RawPeer parent =
                closing(new RawPeer(false)).connectTo(DollyRing.address(1), ring.dataPort, ring.controlPort);
        parent.say(RawPeer.classicConfig("n1", "n2"));
        assertThat(parent.line()).isEqualTo(RawPeer.configured(Dialect.CLASSIC, "n1"));
        assertThat(parent.line()).isEqualTo(RawPeer.ready(Dialect.CLASSIC, "n1"));
        final RawPeer frozen = child.until(phase);
        parent.write(parent.data, content);
        parent.say(RawPeer.number(length, 8));
        if (phase.equals("acknowledgement")) {
            RawPeer.exactly(frozen.data, length);
        }

        final DollyReport report = DollyRing.get(client);

        assertThat(report.ok()).isFalse();
        assertThat(report.nodes())
                .singleElement()
                .satisfies(
                        node -> assertThat(node.reason()).containsAnyOf("does not take data", "did not acknowledge"));
        assertThat(ring.target(1)).hasBinaryContent(content);
        // what came from the child flows back, but no number
        assertThat(RawPeer.toEnd(parent.control))
                .asString(StandardCharsets.UTF_8)
                .matches("((Host|Client) [^\\n]*\\n)*");
    }

    @ParameterizedTest
    @CsvSource({
        "CLASSIC, accept", "CLASSIC, configured", "CLASSIC, ready", "CLASSIC, data", "CLASSIC, acknowledgement",
        "MODERN, accept", "MODERN, configured", "MODERN, ready", "MODERN, data", "MODERN, acknowledgement"
    })
    void serverGivesUpAFrozenClient(final Dialect dialect, final String phase) throws Exception {
        final Listening client = new Listening(1);
        client.dialect = dialect;
        final byte[] content = DollyRing.content(phase.equals("data") ? MUCH : 100_000);
        final DollyOptions.Builder options = switch (phase) {
            case "data" -> shortIdle();
            case "acknowledgement" -> shortFinish();
            default -> shortStart();
        };
        final CompletableFuture<DollyReport> server = server(content, options.dialect(dialect));
        final RawPeer frozen = client.until(phase);
        if (phase.equals("acknowledgement")) {
            assertThat(RawPeer.exactly(frozen.data, content.length)).isEqualTo(content);
            assertThat(DollyRing.get(server).nodes())
                    .singleElement()
                    .satisfies(node -> assertThat(node.reason()).contains("did not acknowledge"));
        } else {
            assertThat(DollyRing.failureOf(server)).contains("n1");
        }
    }

    @Test
    void serverGivesUpAClientThatDoesNotAnswerTheChallenge() throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server =
                server(new byte[1], shortStart().dialect(Dialect.MODERN).password("secret"));
        RawPeer.exactly(client.control(), 33);

        assertThat(DollyRing.failureOf(server)).contains("n1");
    }

    @ParameterizedTest
    @CsvSource({"announced", "frames", "fed"})
    void serverGivesUpAFrozenClientOfOurs(final String phase) throws Exception {
        final Listening client = new Listening(1);
        final CompletableFuture<DollyReport> server = server(DollyRing.content(100_000), shortIdle());
        final RawPeer frozen = client.until("accept configured");
        frozen.say(RawPeer.configured(Dialect.CLASSIC, "n1") + " [replicate 1 " + "0".repeat(32) + "]\n");
        assertThat(RawPeer.exactly(frozen.control, 8)).isEqualTo(MAGIC);
        assertThat(frozen.line()).isEqualTo("hello - frames");
        if (!phase.equals("announced")) {
            frozen.say("+frames\n");
        }
        frozen.say(RawPeer.ready(Dialect.CLASSIC, "n1") + "\n");
        if (phase.equals("fed")) {
            RawPeer.exactly(frozen.data, 100_032);
        }

        assertThat(DollyRing.wrong(server)).contains("n1").contains("has said nothing for 2.0 s");
    }

    private CompletableFuture<DollyReport> server(final byte[] content, final DollyOptions.Builder options)
            throws IOException {
        return ring.server(DollyConfig.of(ring.file("in", content).toString(), "/out", "s", List.of("n1")), options);
    }

    /** A client that freezes; its system goes on accepting connections and bytes. */
    private final class Listening {
        private final int node;
        private final ServerSocket controls;
        private final ServerSocket datas;
        private Dialect dialect = Dialect.CLASSIC;

        Listening(final int node) throws IOException {
            this.node = node;
            controls = closing(RawPeer.listen(DollyRing.address(node), ring.controlPort));
            datas = closing(RawPeer.listen(DollyRing.address(node), ring.dataPort));
        }

        Socket control() throws IOException {
            return closing(RawPeer.accept(controls));
        }

        RawPeer until(final String phase) throws IOException {
            final RawPeer peer = closing(new RawPeer(false));
            if (phase.equals("accept")) {
                return peer;
            }
            peer.control = RawPeer.accept(controls);
            if (dialect == Dialect.MODERN) {
                assertThat(RawPeer.exactly(peer.control, 5)).isEqualTo(new byte[5]);
            }
            peer.config();
            peer.data = RawPeer.accept(datas);
            if (phase.startsWith("accept") || phase.equals("configured")) {
                return peer;
            }
            peer.say(RawPeer.configured(dialect, "n" + node) + "\n");
            if (!phase.equals("ready")) {
                peer.say(RawPeer.ready(dialect, "n" + node) + "\n");
            }
            return peer;
        }
    }
}
