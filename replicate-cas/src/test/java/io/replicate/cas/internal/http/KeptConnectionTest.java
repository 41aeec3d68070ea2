package io.replicate.cas.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Cancellation;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server may end a kept connection just as the next request is sent on it, by closing or by resetting it. */
class KeptConnectionTest {
    private static final int BODY_BYTES = 100_000;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Answers one request, and ends the connection at the first byte of the second one. */
    private static void endAtTheSecond(final Socket connection, final boolean reset) throws IOException {
        answer(connection);
        assertThat(connection.getInputStream().read()).isEqualTo('P');
        if (reset) {
            connection.setSoLinger(true, 0);
        }
        connection.close();
    }

    private static void answer(final Socket connection) throws IOException {
        final InputStream in = connection.getInputStream();
        final StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.read());
        }
        in.skipNBytes(BODY_BYTES);
        connection
                .getOutputStream()
                .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theRequestGoesOutOnceMoreOnANewOne(final boolean reset) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                HttpEngine engine = new HttpEngine(false, "kept")) {
            final CompletableFuture<Void> served = CompletableFuture.runAsync(() -> {
                try (Socket first = server.accept()) {
                    endAtTheSecond(first, reset);
                    try (Socket second = server.accept()) {
                        answer(second);
                        answer(second);
                    }
                } catch (final IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            final HttpOrigin origin =
                    engine.origin("http://127.0.0.1:" + server.getLocalPort(), new HttpLimits(PATIENCE, PATIENCE, 4));
            final HttpCall put = new HttpCall(
                    "PUT",
                    "/d41d8cd98f00b204e9800998ecf8427e",
                    List.of(),
                    ByteBuffer.allocateDirect(BODY_BYTES),
                    null,
                    1000);
            final Cancellation never = new Cancellation();

            // The third request shows that the new connection is kept as the first one was.
            for (int i = 0; i < 3; i++) {
                assertThat(origin.start(put, never).await(never).status()).isEqualTo(200);
            }
            served.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }
}
