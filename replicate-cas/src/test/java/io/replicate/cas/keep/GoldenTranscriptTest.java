package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeApiServer;
import io.replicate.cas.testing.FakeKeepstore;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes over the wire, byte by byte, as the protocol's description has it: our client's side, and our stores'. */
class GoldenTranscriptTest {
    private static final String FOO = "acbd18db4cc2f85cedef654fccc4a4d8";
    private static final String TOKEN = "3kg6k6lzmp9kj5cpkcoxie963cmvjahbt2fod9zru30k1jqdmi";
    private static final String KEY = "example-blob-signing-key-0123456789";

    /** Answers each connection's requests with canned texts, and keeps what it was sent. */
    private static final class Scripted implements AutoCloseable {
        private final ServerSocket listener;
        private final List<String> requests = new ArrayList<>();
        private final List<String> answers;

        Scripted(final String... answers) throws IOException {
            this.answers = new ArrayList<>(List.of(answers));
            this.listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
            final Thread thread = new Thread(this::serve, "scripted");
            thread.setDaemon(true);
            thread.start();
        }

        private void serve() {
            while (!answers.isEmpty()) {
                try (Socket socket = listener.accept()) {
                    while (!answers.isEmpty()) {
                        final String request = request(socket.getInputStream());
                        if (request.isEmpty()) {
                            break;
                        }
                        requests.add(request);
                        final String answer = answers.remove(0);
                        socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                        socket.getOutputStream().flush();
                        if (answer.contains("Connection: close")) {
                            break;
                        }
                    }
                } catch (final IOException e) {
                    return;
                }
            }
        }

        private static String request(final InputStream in) throws IOException {
            final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int body = -1;
            while (body != 0) {
                final int b = in.read();
                if (b < 0) {
                    return "";
                }
                bytes.write(b);
                final String text = bytes.toString(StandardCharsets.ISO_8859_1);
                if (body > 0) {
                    body--;
                } else if (text.endsWith("\r\n\r\n")) {
                    final java.util.regex.Matcher length = java.util.regex.Pattern.compile("Content-Length: (\\d+)")
                            .matcher(text);
                    body = length.find() ? Integer.parseInt(length.group(1)) : 0;
                }
            }
            return bytes.toString(StandardCharsets.ISO_8859_1);
        }

        KeepStore client(final String type) throws IOException {
            return new KeepStore(
                    new KeepConfig("src")
                            .services(ServiceList.parseJson(FakeApiServer.list(List.of(FakeApiServer.service(
                                    "zzzzz-bi6l4-000000000000000",
                                    "127.0.0.1",
                                    listener.getLocalPort(),
                                    type,
                                    false)))))
                            .apiToken(TOKEN)
                            .signingKey(KEY)
                            .signatureTtl(Duration.ofDays(14))
                            .replication(1)
                            .retries(0),
                    new Cancellation());
        }

        /** Returns the n-th request, with what differs from run to run taken out. */
        String request(final int n) {
            return requests.get(n)
                    .replaceAll("\\+A[0-9a-f]{40}@[0-9a-f]{8}", "+ASIGNATURE@EXPIRY")
                    .replace(":" + listener.getLocalPort(), ":PORT")
                    .replaceAll("req-[0-9a-f]{20}", "req-ID");
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    private static Digest foo() {
        return Digest.parse(Digest.Algorithm.MD5, FOO, 3);
    }

    private static Block block(final String text) {
        final Block block = Block.unpooled(100);
        block.space().put(text.getBytes(StandardCharsets.US_ASCII));
        block.length(text.length());
        return block;
    }

    @Test
    void theClientAsksForABlock() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted(
                        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: application/octet-stream\r\n\r\nfoo");
                KeepStore client = server.client("disk")) {
            assertThat(client.read(foo(), block)).isEqualTo(3);

            assertThat(server.request(0))
                    .isEqualTo("GET /" + FOO + "+3+ASIGNATURE@EXPIRY HTTP/1.1\r\n"
                            + "Host: 127.0.0.1:PORT\r\n"
                            + "Authorization: OAuth2 " + TOKEN + "\r\n"
                            + "X-Request-Id: req-ID\r\n\r\n");
        } finally {
            block.release();
        }
    }

    @Test
    void theSignatureIsThatOfTheMomentAndForOneDay() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfoo");
                KeepStore client = server.client("disk")) {
            client.read(foo(), block);

            final String signed =
                    server.requests.get(0).substring(5, server.requests.get(0).indexOf(" HTTP"));
            final long expiry = Long.parseLong(signed.substring(signed.lastIndexOf('@') + 1), 16);
            assertThat(expiry - Instant.now().getEpochSecond()).isBetween(86_300L, 86_400L);
            assertThat(new BlobSigner(KEY, Duration.ofDays(14)).verifyStrict(signed, TOKEN, Instant.now()))
                    .isEqualTo(BlobSigner.Verdict.VALID);
        } finally {
            block.release();
        }
    }

    @Test
    void theClientWritesABlockUnderItsBareHashWithItsLength() throws IOException {
        final Block block = block("foo");
        try (Scripted server = new Scripted("HTTP/1.1 200 OK\r\nX-Keep-Replicas-Stored: 1\r\nContent-Length: 36\r\n\r\n"
                        + FOO + "+3\n" + "\n");
                KeepStore client = server.client("disk")) {
            client.store(foo(), block, 1, Set.of());

            assertThat(server.request(0))
                    .isEqualTo("PUT /" + FOO + " HTTP/1.1\r\n"
                            + "Host: 127.0.0.1:PORT\r\n"
                            + "Authorization: OAuth2 " + TOKEN + "\r\n"
                            + "X-Request-Id: req-ID\r\n"
                            + "Content-Type: application/octet-stream\r\n"
                            + "X-Keep-Desired-Replicas: 1\r\n"
                            + "Content-Length: 3\r\n\r\n"
                            + "foo");
        } finally {
            block.release();
        }
    }

    @Test
    void theEmptyBlockIsWrittenWithLengthZero() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                KeepStore client = server.client("disk")) {
            client.store(Digest.parse(Digest.Algorithm.MD5, "d41d8cd98f00b204e9800998ecf8427e", 0), block, 1, Set.of());

            assertThat(server.request(0))
                    .startsWith("PUT /d41d8cd98f00b204e9800998ecf8427e HTTP/1.1\r\n")
                    .contains("Content-Length: 0\r\n");
        } finally {
            block.release();
        }
    }

    @Test
    void theClientAsksForAnIndexOfAnyKindOfLength() throws IOException {
        final String text = FOO + "+3 1466640000\n\n";
        for (final String answer : List.of(
                "HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(text.length()) + "\r\n"
                        + text + "\r\n0\r\n\r\n",
                "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + text)) {
            try (Scripted server = new Scripted(answer);
                    KeepStore client = server.client("disk")) {
                final List<String> lines = new ArrayList<>();
                client.index(
                        0,
                        "acb",
                        (hash, size, mtime) -> lines.add(HexFormat.of().formatHex(hash) + "+" + size + "@" + mtime));

                assertThat(lines).containsExactly(FOO + "+3@1466640000000000000");
                assertThat(server.request(0))
                        .isEqualTo("GET /index/acb HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAuthorization: OAuth2 " + TOKEN
                                + "\r\nX-Request-Id: req-ID\r\n\r\n");
            }
        }
    }

    @Test
    void aBodyThatIsShorterThanItsLengthIsNoBlock() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nfo");
                KeepStore client = server.client("disk")) {
            assertThatThrownBy(() -> client.read(foo(), block))
                    .isInstanceOf(KeepException.class)
                    .hasMessageContaining("closed after 2 bytes");
        } finally {
            block.release();
        }
    }

    @Test
    void aKeptConnectionThatTheServerHasClosedIsReplacedOnce() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted(
                        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfoo",
                        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfoo");
                KeepStore client = server.client("disk")) {
            assertThat(client.read(foo(), block)).isEqualTo(3);
            assertThat(client.read(foo(), block)).isEqualTo(3);
            assertThat(server.requests).hasSize(2);
        } finally {
            block.release();
        }
    }

    @Test
    void anEarlyRefusalIsHeardBeforeTheWholeBodyWasSent() throws IOException {
        final Block big = Block.unpooled(64 << 20);
        try (ServerSocket listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            final Thread server = new Thread(() -> {
                try (Socket socket = listener.accept()) {
                    socket.getInputStream().readNBytes(1000);
                    socket.getOutputStream()
                            .write("HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\nToo large"
                                    .getBytes(StandardCharsets.US_ASCII));
                    socket.getOutputStream().flush();
                    socket.shutdownOutput();
                    socket.getInputStream().readAllBytes();
                } catch (final IOException e) {
                    // The client has closed: that is what is expected of it.
                    Thread.yield();
                }
            });
            server.start();
            big.length(64 << 20);
            try (KeepStore client = new KeepStore(
                    new KeepConfig("dst")
                            .services(ServiceList.parseUrls("http://127.0.0.1:" + listener.getLocalPort()))
                            .retries(0),
                    new Cancellation())) {
                assertThatThrownBy(() -> client.store(foo(), big, 1, Set.of()))
                        .hasMessageContaining("HTTP 413 Too large")
                        .hasMessageContaining("Could not write sufficient replicas");
            }
        } finally {
            big.release();
        }
    }

    private String ask(final FakeKeepstore store, final String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), store.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static String request(final String line, final String... headers) {
        return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + String.join(
                        "",
                        java.util.Arrays.stream(headers).map(h -> h + "\r\n").toList()) + "\r\n";
    }

    @Test
    void theStoresOfEachAgeAnswerAsDescribed(@TempDir final Path directory) throws IOException {
        for (final Era era : Era.values()) {
            try (FakeKeepstore store = new FakeKeepstore(
                    era,
                    "zzzzz-bi6l4-000000000000000",
                    directory.resolve(era.name()),
                    TOKEN,
                    KEY,
                    Duration.ofDays(14),
                    0)) {
                final boolean today = era == Era.H;
                final String auth = "Authorization: OAuth2 " + TOKEN;
                final String put = ask(store, request("PUT /" + FOO, auth, "Content-Length: 3") + "foo");
                assertThat(put)
                        .startsWith("HTTP/1.1 200 OK\r\n")
                        .containsPattern("\r\n\r\n" + FOO + "\\+3\\+A[0-9a-f]{40}@[0-9a-f]{8}\n$");
                assertThat(put.contains("X-Keep-Storage-Classes-Confirmed: default=1"))
                        .isEqualTo(today);
                final String signed =
                        put.substring(put.lastIndexOf("\r\n\r\n") + 4).trim();
                assertThat(ask(store, request("PUT /" + FOO, "Content-Length: 3") + "foo"))
                        .endsWith("\r\n\r\n" + FOO + "+3\n");

                assertStatus(
                        ask(store, request("PUT /" + FOO + "+3", auth, "Content-Length: 3") + "foo"),
                        today ? 200 : 405);
                assertStatus(ask(store, request("PUT /" + FOO, auth, "Content-Length: 3") + "bar"), today ? 400 : 422);
                assertStatus(ask(store, request("PUT /" + FOO, auth, "Content-Length: 67108865")), 413);
                assertStatus(ask(store, request("PUT /" + FOO, auth)), 411);

                assertThat(ask(store, request("GET /" + signed, auth)))
                        .startsWith("HTTP/1.1 200 OK\r\n")
                        .contains("content-length: 3\r\n")
                        .endsWith("\r\n\r\nfoo");
                assertThat(ask(store, request("HEAD /" + signed, auth)))
                        .startsWith("HTTP/1.1 200 OK\r\n")
                        .endsWith("\r\n\r\n");
                assertStatus(ask(store, request("GET /" + FOO + "+3", auth)), today ? 400 : 403);
                assertStatus(ask(store, request("GET /" + signed)), today ? 401 : 403);
                assertStatus(ask(store, request("GET /" + signed.replace("+3", ""), auth)), today ? 405 : 200);
                assertStatus(
                        ask(store, request("GET /" + signed, "Authorization: Bearer " + TOKEN)), today ? 200 : 403);
                final String expired =
                        new BlobSigner(KEY, Duration.ofDays(14)).sign(FOO + "+3", TOKEN, Instant.ofEpochSecond(1));
                assertStatus(ask(store, request("GET /" + expired, auth)), 401);
                final String absent = new BlobSigner(KEY, Duration.ofDays(14))
                        .sign(
                                "37b51d194a7513e45b56f6524f2d51f2+3",
                                TOKEN,
                                Instant.now().plusSeconds(60));
                assertStatus(ask(store, request("GET /" + absent, auth)), 404);

                final String index = ask(store, request("GET /index", auth));
                assertThat(index)
                        .containsPattern("\r\n\r\n" + FOO + "\\+3 " + (era == Era.A ? "\\d{10}" : "\\d{19}") + "\n\n$");
                assertThat(ask(store, request("GET /index/999", auth))).endsWith("\r\n\r\n\n");
                assertStatus(ask(store, request("GET /index")), 401);
                assertStatus(ask(store, request("GET /index/XYZ", auth)), 400);
                assertStatus(ask(store, request("GET /mounts", auth)), era == Era.A ? 400 : 200);
                assertStatus(ask(store, request("TOUCH /" + FOO, auth)), today ? 200 : 405);
                assertStatus(ask(store, request("POST /", auth, "Content-Length: 3") + "foo"), 400);

                store.faults().full(true);
                assertStatus(ask(store, request("PUT /" + FOO, auth, "Content-Length: 3") + "foo"), today ? 507 : 503);
            }
        }
    }

    private static void assertStatus(final String answer, final int status) {
        assertThat(answer).startsWith("HTTP/1.1 " + status + " ");
    }

    @Test
    void messagesNeverShowASignature() throws IOException {
        final Block block = block("");
        try (Scripted server = new Scripted(
                        "HTTP/1.1 403 Forbidden\r\nContent-Length: 63\r\n\r\nForbidden: +Aa9ea38107ec0ad86392ca3d9231b99089ff0d6cc@7fffffff  ");
                KeepStore client = server.client("disk")) {
            assertThatThrownBy(() -> client.read(foo(), block))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("HTTP 403")
                    .hasMessageNotContaining("a9ea38107ec0")
                    .hasMessageNotContaining(TOKEN);
        } finally {
            block.release();
        }
    }
}
