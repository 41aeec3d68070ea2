package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.interop.Tools.Peer;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import io.replicate.nbd.tls.PskTls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pre-shared keys between Bouncy Castle here and GnuTLS there. */
@Tag("interop")
@Timeout(240)
class PskInteropIT {
    private static final String KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private static final int SIZE = 8 << 20;

    @TempDir
    private Path dir;

    @Test
    void nbdcopyReadsAndWritesOurs() throws Exception {
        final Path keys = Files.writeString(dir.resolve("keys.psk"), "alice:" + KEY + "\n");
        final Path wrong = Files.writeString(dir.resolve("wrong.psk"), "alice:" + KEY.replace('0', '1') + "\n");
        final byte[] bytes = new byte[SIZE];
        new Random(5).nextBytes(bytes);
        final MemoryVolume volume = new MemoryVolume("x", SIZE);
        try (NbdServer server = NbdServer.builder()
                .export(Export.of("disk", volume))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .tls(PskTls.server(keys), true)
                .start()) {
            final String uri = "nbds://alice@localhost:" + server.port() + "/disk?tls-psk-file=";
            final Path image = Files.write(dir.resolve("image"), bytes);

            Tools.run(dir, "nbdcopy", image.toString(), uri + keys);
            Tools.run(dir, "nbdcopy", uri + keys, dir.resolve("copy").toString());

            assertThat(Files.readAllBytes(dir.resolve("copy"))).isEqualTo(bytes);
            assertThat(Tools.run(dir, "nbdinfo", "--json", uri + keys)).contains("\"TLS\": true");
            assertThat(Tools.end(dir, "nbdinfo", uri + wrong).exit()).isNotZero();
            assertThat(Tools.end(dir, "nbdinfo", "nbd://localhost:" + server.port())
                            .exit())
                    .isNotZero();
        }
    }

    @Test
    void ourClientReadsAndWritesNbdkits() throws Exception {
        final Path keys = Files.writeString(dir.resolve("keys.psk"), "alice:" + KEY + "\n");
        final Path wrong = Files.writeString(dir.resolve("wrong.psk"), "alice:" + KEY.replace('0', '1') + "\n");
        final Path socket = dir.resolve("s.sock");
        try (Peer server = new Peer(
                        dir,
                        "nbdkit",
                        "-f",
                        "-U",
                        socket.toString(),
                        "--tls=require",
                        "--tls-psk=" + keys,
                        "memory",
                        "8M")
                .await(socket)) {
            final String uri = "nbds+unix://alice@/?socket=" + socket + "&tls-psk-file=";
            try (NbdVolume volume = NbdVolume.open(NbdAddress.of(Locator.parse(uri + keys)))) {
                final byte[] bytes = new byte[3 << 20];
                new Random(5).nextBytes(bytes);
                volume.write(12345, ByteBuffer.wrap(bytes), Set.of());
                final ByteBuffer back = ByteBuffer.allocate(bytes.length);
                volume.read(12345, back);
                assertThat(back.array()).isEqualTo(bytes);
            }
            assertThatThrownBy(() -> NbdVolume.open(NbdAddress.of(Locator.parse(uri + wrong))))
                    .hasMessageContaining("TLS failed");
        }
    }
}
