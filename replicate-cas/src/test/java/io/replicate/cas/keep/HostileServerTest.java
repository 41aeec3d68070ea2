package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.cas.store.Proof;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers that speak HTTP as few do, or not at all: what they say is taken exactly or refused, and nobody waits for ever. */
@Timeout(120)
class HostileServerTest {
    private static final int BLOCK_BYTES = 3000;
    private static final byte[] DATA = data();
    private static final Digest DIGEST =
            Digest.of(Digest.Algorithm.MD5, Proof.hash(Digest.Algorithm.MD5, ByteBuffer.wrap(DATA)), BLOCK_BYTES);
    private static final String LOCATOR = DIGEST.hex() + "+" + BLOCK_BYTES;
    private static final String STORED = "HTTP/1.1 200 OK\r\nX-Keep-Replicas-Stored: 1\r\nContent-Length: "
            + (LOCATOR.length() + 1) + "\r\n\r\n" + LOCATOR + "\n";
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(400);

    private static byte[] data() {
        final byte[] data = new byte[BLOCK_BYTES];
        new Random(61).nextBytes(data);
        return data;
    }

    private static String ok(final String more) {
        return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + BLOCK_BYTES + "\r\n\r\n";
    }

    private static byte[] half() {
        return java.util.Arrays.copyOf(DATA, BLOCK_BYTES / 2);
    }

    private static boolean chunked(final RawServer.Request request, final int pieceBytes, final boolean whole)
            throws IOException {
        request.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int at = 0; at < (whole ? BLOCK_BYTES : BLOCK_BYTES / 2); at += pieceBytes) {
            request.send(Integer.toHexString(pieceBytes) + "\r\n");
            request.send(java.util.Arrays.copyOfRange(DATA, at, at + pieceBytes));
            request.send("\r\n");
        }
        if (whole) {
            request.send("0\r\nX-Trailer: yes\r\n\r\n");
        }
        return whole;
    }

    /** Odd ways to send a block. */
    private enum Odd implements RawServer.Script {
        CHUNKS_OF_ONE_BYTE(request -> chunked(request, 1, true)),
        CHUNKS_WITH_A_TRAILER(request -> chunked(request, 1000, true)),
        ONE_BYTE_AT_A_TIME(request -> {
            request.trickle(ok("").getBytes(StandardCharsets.US_ASCII));
            request.trickle(DATA);
            return true;
        }),
        LOWER_CASE_HEADERS(request -> {
            request.send("HTTP/1.1 200 ok\r\ncontent-length:" + BLOCK_BYTES + "\r\nconnection:keep-alive\r\n\r\n");
            request.send(DATA);
            return true;
        }),
        CONNECTION_CLOSE(request -> {
            request.send(ok("Connection: close\r\n"));
            request.send(DATA);
            return false;
        }),
        CLOSED_THOUGH_IT_SAID_KEPT(request -> {
            request.send(ok("Connection: keep-alive\r\n"));
            request.send(DATA);
            return false;
        }),
        HTTP_1_0_WITHOUT_LENGTH(request -> {
            request.send("HTTP/1.0 200 OK\r\nServer: old\r\n\r\n");
            request.send(DATA);
            return false;
        }),
        HTTP_1_0_WITH_LENGTH(request -> {
            request.send("HTTP/1.0 200 OK\r\nContent-Length: " + BLOCK_BYTES + "\r\n\r\n");
            request.send(DATA);
            return false;
        }),
        INFORMATION_FIRST(request -> {
            request.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
            request.send(ok(""));
            request.send(DATA);
            return true;
        }),
        RUBBISH_BEHIND_THE_BODY(request -> {
            request.send(ok(""));
            request.send(DATA);
            request.send("and more that nobody asked for\r\n\r\n");
            return true;
        }),
        HEADERS_OF_SEVEN_KIB(request -> {
            request.send(ok("X-Long: " + "a".repeat(7000) + "\r\n"));
            request.send(DATA);
            return true;
        });

        private final RawServer.Script script;

        Odd(final RawServer.Script script) {
            this.script = script;
        }

        @Override
        public boolean serve(final RawServer.Request request) throws IOException {
            return script.serve(request);
        }
    }

    /** Ways to send no block. */
    private enum Bad implements RawServer.Script {
        RESET_IN_THE_BODY(request -> {
            request.send(ok(""));
            request.send(half());
            return request.reset();
        }),
        CLOSED_IN_THE_BODY(request -> {
            request.send(ok(""));
            request.send(half());
            return false;
        }),
        CLOSED_IN_THE_CHUNKS(request -> chunked(request, 500, false)),
        CHUNKS_THAT_ARE_NONE(request -> {
            request.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
            return false;
        }),
        HTTP_1_0_CUT(request -> {
            request.send("HTTP/1.0 200 OK\r\n\r\n");
            request.send(half());
            return false;
        }),
        NO_ANSWER(request -> false),
        RESET_AT_ONCE(RawServer.Request::reset),
        LINES_WITHOUT_CARRIAGE_RETURNS(request -> {
            request.send(ok("").replace("\r", ""));
            request.send(DATA);
            return true;
        }),
        NOT_HTTP(request -> {
            request.send("SSH-2.0-OpenSSH_9.2\r\n");
            return false;
        }),
        HEADERS_WITHOUT_END(request -> {
            request.send("HTTP/1.1 200 OK\r\n");
            for (int i = 0; i < 10_000; i++) {
                request.send("X-" + i + ": " + "b".repeat(100) + "\r\n");
            }
            return false;
        }),
        LENGTH_BELOW_ZERO(request -> {
            request.send("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n");
            request.send(DATA);
            return false;
        }),
        TWO_LENGTHS(request -> {
            request.send(ok("Content-Length: 17\r\n"));
            request.send(DATA);
            return false;
        }),
        LENGTH_OF_AN_EXBIBYTE(request -> {
            request.send("HTTP/1.1 200 OK\r\nContent-Length: " + (1L << 60) + "\r\n\r\n");
            request.send(DATA);
            return request.stall();
        }),
        MORE_THAN_A_BLOCK(request -> {
            request.send("HTTP/1.0 200 OK\r\n\r\n");
            for (int i = 0; i < 1000; i++) {
                request.send(DATA);
            }
            return request.stall();
        }),
        OTHER_BYTES(request -> {
            request.send(ok(""));
            request.send(new byte[BLOCK_BYTES]);
            return true;
        }),
        A_PAGE(request -> {
            request.send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<p>Log in</p>");
            return true;
        }),
        REDIRECT(request -> {
            request.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n");
            return true;
        }),
        NO_CONTENT(request -> {
            request.send("HTTP/1.1 204 No Content\r\n\r\n");
            return true;
        }),
        PARTIAL_CONTENT(request -> {
            request.send(ok("").replace("200 OK", "206 Partial Content"));
            request.send(DATA);
            return true;
        }),
        UNKNOWN_STATUS(request -> {
            request.send("HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n");
            return true;
        }),
        STALL_IN_THE_HEAD(request -> {
            request.send("HTTP/1.1 200 OK\r\nContent-Le");
            return request.stall();
        }),
        STALL_IN_THE_BODY(request -> {
            request.send(ok(""));
            request.send(half());
            return request.stall();
        }),
        NOTHING_BUT_INFORMATION(request -> {
            while (true) {
                request.send("HTTP/1.1 100 Continue\r\n\r\n");
                Thread.onSpinWait();
            }
        });

        private final RawServer.Script script;

        Bad(final RawServer.Script script) {
            this.script = script;
        }

        @Override
        public boolean serve(final RawServer.Request request) throws IOException {
            return script.serve(request);
        }

        /** Returns how long to wait for it: those that say nothing more are given up soon. */
        Duration patience() {
            return name().startsWith("STALL") || this == NOTHING_BUT_INFORMATION ? SHORT : LONG;
        }
    }

    private static KeepStore store(final Duration idle, final int retries, final RawServer... servers)
            throws IOException {
        final List<KeepService> services = new ArrayList<>();
        for (final RawServer server : servers) {
            services.add(new KeepService("zzzzz-bi6l4-00000000000000" + services.size(), server.url(), "disk", false));
        }
        return new KeepStore(
                new KeepConfig("src")
                        .services(services)
                        .systemToken("token")
                        .replication(1)
                        .idleTimeout(idle)
                        .retries(retries),
                new Cancellation());
    }

    private static void assertReads(final KeepStore store) throws IOException {
        final Block block = Block.unpooled(BLOCK_BYTES);
        assertThat(store.read(DIGEST, block)).isEqualTo(BLOCK_BYTES);
        assertThat(block.bytes()).isEqualTo(ByteBuffer.wrap(DATA));
        block.release();
    }

    @ParameterizedTest
    @EnumSource(Odd.class)
    void anOddAnswerIsTakenExactlyAndSoIsTheNextOne(final Odd odd) throws Exception {
        try (RawServer server = new RawServer(odd);
                KeepStore store = store(LONG, 0, server)) {
            assertReads(store);
            assertReads(store);
        }
    }

    @ParameterizedTest
    @EnumSource(Bad.class)
    void aBadAnswerIsRefused(final Bad bad) throws Exception {
        try (RawServer server = new RawServer(bad);
                KeepStore store = store(bad.patience(), 0, server)) {
            final Block block = Block.unpooled(BLOCK_BYTES);
            assertThatThrownBy(() -> store.read(DIGEST, block))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining(LOCATOR)
                    .hasMessageContaining(server.url());
            block.release();
        }
    }

    @ParameterizedTest
    @EnumSource(Bad.class)
    void itsIndexIsRefused(final Bad bad) throws Exception {
        try (RawServer server = new RawServer(bad);
                KeepStore store = store(bad.patience(), 0, server)) {
            assertThatThrownBy(() -> store.index(0, "", (hash, sizeBytes, mtimeNs) -> {}))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining(server.url());
        }
    }

    @Test
    void whatIsNotHttpIsNamedSo() throws Exception {
        try (RawServer server = new RawServer(Bad.NOT_HTTP);
                KeepStore store = store(LONG, 0, server)) {
            assertThatThrownBy(() -> store.index(0, "", (hash, sizeBytes, mtimeNs) -> {}))
                    .hasMessageContaining("the answer is not HTTP");
        }
    }

    @Test
    void howLongNothingMovedIsSaidAsItWasGiven() throws Exception {
        try (RawServer server = new RawServer(Bad.STALL_IN_THE_HEAD);
                KeepStore store = store(SHORT, 0, server)) {
            assertThatThrownBy(() -> store.index(0, "", (hash, sizeBytes, mtimeNs) -> {}))
                    .hasMessageContaining("nothing moved for 400 ms");
        }
    }

    private static Stored write(final KeepStore store, final int bytes) throws IOException {
        final Block block = Block.unpooled(bytes);
        block.space().put(DATA);
        block.length(bytes);
        try {
            final Digest digest = bytes == BLOCK_BYTES
                    ? DIGEST
                    : Digest.of(Digest.Algorithm.MD5, Proof.hash(Digest.Algorithm.MD5, block.bytes()), bytes);
            return store.store(digest, block, 1, Set.of());
        } finally {
            block.release();
        }
    }

    private static boolean taken(final RawServer.Request request, final String answer) throws IOException {
        request.takeBody();
        request.send(answer);
        return true;
    }

    /** Answers to a PUT, behind its whole body, that count one copy. */
    private enum Good implements RawServer.Script {
        AS_EVERY_STORE(STORED),
        WITHOUT_A_COUNT(STORED.replace("X-Keep-Replicas-Stored: 1\r\n", "")),
        WITHOUT_A_LOCATOR("HTTP/1.1 200 OK\r\nX-Keep-Replicas-Stored: 1\r\nContent-Length: 3\r\n\r\nok\n"),
        WITHOUT_EITHER("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"),
        EMPTY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        CONTINUED("HTTP/1.1 100 Continue\r\n\r\n" + STORED),
        CHUNKED("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n" + LOCATOR.charAt(0) + "\r\n"
                + Integer.toHexString(LOCATOR.length() - 1) + "\r\n" + LOCATOR.substring(1) + "\r\n0\r\n\r\n");

        private final String answer;

        Good(final String answer) {
            this.answer = answer;
        }

        @Override
        public boolean serve(final RawServer.Request request) throws IOException {
            return taken(request, answer);
        }
    }

    @ParameterizedTest
    @EnumSource(Good.class)
    void aWriteThatSucceededCountsOneCopy(final Good good) throws Exception {
        try (RawServer server = new RawServer(good);
                KeepStore store = store(LONG, 0, server)) {
            assertThat(write(store, BLOCK_BYTES).copies()).isEqualTo(1);
            assertThat(write(store, BLOCK_BYTES).copies()).isEqualTo(1);
        }
    }

    /** Answers to a PUT that count no copy. */
    private enum Refusal implements RawServer.Script {
        ANOTHER_BLOCK(request -> taken(request, STORED.replace(DIGEST.hex(), "d41d8cd98f00b204e9800998ecf8427e"))),
        NO_COPIES(request -> taken(request, STORED.replace("Stored: 1", "Stored: 0"))),
        CREATED(request -> taken(request, STORED.replace("200 OK", "201 Created"))),
        REDIRECT(request -> taken(
                request,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")),
        CUT(request -> {
            request.takeBody();
            request.send(STORED.substring(0, STORED.length() - 5));
            return false;
        }),
        CLOSED(request -> {
            request.takeBody();
            return false;
        }),
        RESET_IN_THE_BODY(request -> {
            request.in().skipNBytes(request.bodyBytes() / 2);
            return request.reset();
        }),
        /** Nobody can have stored what it has not got. */
        BEFORE_THE_BODY(request -> {
            request.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            return request.socket().getInputStream().read() > 0 && request.reset();
        }),
        STALL(request -> {
            request.takeBody();
            return request.stall();
        });

        private final RawServer.Script script;

        Refusal(final RawServer.Script script) {
            this.script = script;
        }

        @Override
        public boolean serve(final RawServer.Request request) throws IOException {
            return script.serve(request);
        }
    }

    @ParameterizedTest
    @EnumSource(Refusal.class)
    void aWriteThatDidNotSucceedCountsNone(final Refusal refusal) throws Exception {
        // More than sockets hold where it matters that the server has not read it.
        final int bytes = refusal == Refusal.BEFORE_THE_BODY ? 64 << 20 : BLOCK_BYTES;
        try (RawServer server = new RawServer(refusal);
                KeepStore store = store(refusal == Refusal.STALL ? SHORT : LONG, 0, server)) {
            assertThatThrownBy(() -> write(store, bytes))
                    .isInstanceOf(KeepException.class)
                    .hasMessageContaining("wanted 1, stored 0")
                    .hasMessageContaining(server.url());
        }
    }

    /** What is refused while its body is still on the way is read, also when the server then resets the connection. */
    @Test
    void anEarlyRefusalIsHeardWhileTheBodyIsSent() throws Exception {
        final String refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo big\n";
        try (RawServer server = new RawServer(request -> {
                    request.in().skipNBytes(1 << 20);
                    request.send(refusal);
                    return false; // with much unread: the kernel resets the connection
                });
                KeepStore store = store(LONG, 0, server)) {
            for (int i = 0; i < 20; i++) {
                assertThatThrownBy(() -> write(store, 32 << 20))
                        .isInstanceOf(KeepException.class)
                        .hasMessageContaining("HTTP 413 too big");
            }
            assertThat(server.requests()).isEqualTo(20);
        }
    }

    @Test
    void aServerThatIsBusyBeforeTheBodyIsAskedAgain() throws Exception {
        try (RawServer server = new RawServer(request -> {
                    if (request.number() == 1) {
                        request.send("HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nConnection: close\r\n"
                                + "Content-Length: 0\r\n\r\n");
                        return false;
                    }
                    request.takeBody();
                    request.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    return true;
                });
                KeepStore store = store(LONG, 0, server)) {
            assertThat(write(store, 32 << 20).copies()).isEqualTo(1);
            assertThat(server.requests()).isEqualTo(2);
        }
    }
}
