package io.replicate.nbd.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdClient;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(240)
class PskTlsTest {
    private static final String KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private static final int SIZE = 8 << 20;

    @TempDir
    private Path dir;

    private Path keys(String name, String... lines) throws IOException {
        return Files.writeString(dir.resolve(name), String.join("\n", lines) + "\n");
    }

    private NbdServer serve(MemoryVolume volume) throws IOException {
        return NbdServer.builder()
                .export(Export.of("disk", volume))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .tls(PskTls.server(keys("server.psk", "bob:" + "ab".repeat(16), "alice:" + KEY)), true)
                .start();
    }

    private static NbdAddress address(NbdServer server, String user, Path keys) throws IOException {
        return NbdAddress.of(
                Locator.parse("nbds://" + user + "@localhost:" + server.port() + "/disk?tls-psk-file=" + keys));
    }

    @Test
    void bytesOfAnyLengthPassBothWays() throws Exception {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final MemoryVolume stored = new MemoryVolume("x", SIZE);
        final Path client = keys("client.psk", "alice:" + KEY);
        try (NbdServer server = serve(stored);
                NbdVolume volume = NbdVolume.open(address(server, "alice", client))) {
            assertThat(volume.info().tls()).isTrue();
            for (int i = 0; i < 30; i++) {
                final byte[] bytes = new byte[1 + random.nextInt(i % 5 == 0 ? 4 << 20 : 70_000)];
                random.nextBytes(bytes);
                final int at = random.nextInt(SIZE - bytes.length + 1);
                volume.write(at, ByteBuffer.wrap(bytes), Set.of());
                final ByteBuffer back = ByteBuffer.allocateDirect(bytes.length);
                volume.read(at, back);
                assertThat(back.flip()).isEqualTo(ByteBuffer.wrap(bytes));
            }
        } catch (final Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    @Test
    void whoHasNoKeyOrAWrongOneIsNotLetIn() throws Exception {
        try (NbdServer server = serve(new MemoryVolume("x", SIZE))) {
            final Path wrong = keys("wrong.psk", "alice:" + KEY.replace('0', '1'), "eve:" + KEY);

            assertThatThrownBy(() -> NbdClient.info(address(server, "alice", wrong)))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("TLS failed");
            assertThatThrownBy(() -> NbdClient.info(address(server, "eve", wrong)))
                    .hasMessageContaining("TLS failed");
            assertThatThrownBy(() -> NbdClient.info(address(server, "nobody", wrong)))
                    .hasMessageContaining("no key for user 'nobody'");
            // certificates that nobody looks at are no way around the key
            assertThatThrownBy(() -> NbdClient.info(NbdAddress.of(
                            Locator.parse("nbds://localhost:" + server.port() + "/disk?tls-verify-peer=false"))))
                    .hasMessageContaining("TLS failed");
            final NbdAddress bob = address(server, "bob", keys("bob.psk", "bob:" + "ab".repeat(16)));
            for (int again = 0; again < 3; again++) { // a key is not used up
                assertThat(NbdClient.info(bob).tls()).isTrue();
            }
        }
    }

    @Test
    void noiseInPlaceOfAHandshakeEndsTheConnection() throws Exception {
        try (NbdServer server = serve(new MemoryVolume("x", SIZE));
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            socket.setSoTimeout(20_000);
            socket.getInputStream().readNBytes(18);
            socket.getOutputStream()
                    .write(ByteBuffer.allocate(20)
                            .putInt(3)
                            .putLong(0x49484156454f5054L)
                            .putInt(5)
                            .putInt(0)
                            .array());
            socket.getInputStream().readNBytes(20);
            final byte[] noise = new byte[3000];
            new Random(1).nextBytes(noise);
            try {
                socket.getOutputStream().write(noise);
                socket.getInputStream().readAllBytes(); // an alert, and the end
            } catch (final IOException e) {
                assertThat(e).hasMessageContaining("reset"); // as good an end
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "alice, expected NAME:HEXKEY",
        "alice:xyz, not hexadecimal",
        "alice:0011, 16 to 512 bytes",
        "'', no keys in it",
        ":00112233445566778899aabbccddeeff, expected NAME:HEXKEY"
    })
    void aBrokenFileSaysWhere(String line, String why) throws Exception {
        final Path file = keys("broken.psk", line);

        assertThatThrownBy(() -> PskTls.server(file))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(why);
    }
}
