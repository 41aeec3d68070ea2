package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * TLS 1.3 changes keys after 137 GB, in the middle of a transfer. The limit is a property of the whole JVM, which is why
 * this one is a process of its own, with a limit of a megabyte.
 */
@Timeout(240)
class TlsKeyUpdateTest {
    private static final int TOTAL_BYTES = 64 << 20;

    /** Fills a link in both directions at once, and compares. */
    static final class BothWays {
        private BothWays() {}

        public static void main(final String[] arguments) throws Exception {
            final Locator locator = Locator.parse("tls://127.0.0.1:0?secret-file=" + arguments[0]);
            final TlsTransport transport = TlsTransport.of(locator);
            try (Listener listener = transport.listen(locator)) {
                final FutureTask<Link> connecting =
                        start(() -> transport.connect(listener.local(), Duration.ofSeconds(20)));
                final Link far = Objects.requireNonNull(listener.accept(Duration.ofSeconds(20)));
                final Link near = connecting.get();
                final FutureTask<Long> sentThere = start(() -> send(near, 1));
                final FutureTask<Long> sentBack = start(() -> send(far, 2));
                final FutureTask<Long> receivedBack = start(() -> receive(near));
                final long receivedThere = receive(far);
                final boolean equal =
                        sentThere.get() == receivedThere && sentBack.get().equals(receivedBack.get());
                System.out.println(equal ? "equal" : "different");
            }
        }

        private static <T> FutureTask<T> start(final Callable<T> task) {
            final FutureTask<T> future = new FutureTask<>(task);
            final Thread thread = new Thread(future);
            thread.setDaemon(true);
            thread.start();
            return future;
        }

        private static long send(final Link link, final long seed) throws Exception {
            final CRC32C crc = new CRC32C();
            final Random random = new Random(seed);
            final byte[] chunk = new byte[1 << 18];
            for (int sent = 0; sent < TOTAL_BYTES; sent += chunk.length) {
                random.nextBytes(chunk);
                crc.update(chunk);
                link.send(ByteBuffer.wrap(chunk));
            }
            return crc.getValue();
        }

        private static long receive(final Link link) throws Exception {
            final CRC32C crc = new CRC32C();
            final ByteBuffer into = ByteBuffer.allocateDirect(1 << 18);
            for (int received = 0; received < TOTAL_BYTES; ) {
                received += link.receive(into.clear());
                crc.update(into.flip());
            }
            return crc.getValue();
        }
    }

    @Test
    void keysChangeWhileBytesGoBothWays(@TempDir final Path directory) throws Exception {
        final Path secret = TlsSecretTransportTest.secretFile(directory.resolve("secret"), "correct horse battery");
        final Path limits = Files.writeString(
                directory.resolve("security"), "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^20\n");
        final Path output = directory.resolve("output");

        final Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Djava.security.properties=" + limits,
                        "-Djavax.net.debug=ssl:handshake",
                        "-cp",
                        System.getProperty("java.class.path"),
                        BothWays.class.getName(),
                        secret.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(50, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }

        final String said = Files.readString(output);
        assertThat(said.lines()).contains("equal");
        assertThat(said.split("Produced KeyUpdate post-handshake message", -1).length)
                .as("key updates, of which there was to be at least one per megabyte and direction")
                .isGreaterThan(TOTAL_BYTES >> 20);
    }
}
