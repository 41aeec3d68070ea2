package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.file.FileVolume;
import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.protocol.NbdTls;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our server with the clients of libnbd, QEMU, nbdkit, nbd and fio; each test needs its tools installed. */
@Tag("interop")
class ServerInteropIT {
    private static final long SIZE = 64 << 20;

    @TempDir
    private Path dir;

    private Path image;
    private FileVolume volume;
    private NbdServer server;

    @BeforeEach
    void serve() throws Exception {
        image = dir.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            final byte[] data = new byte[3 << 20];
            new Random(7).nextBytes(data);
            file.write(data);
            file.seek(20 << 20);
            file.write(data, 0, 1 << 20);
            file.setLength(SIZE);
        }
        volume = FileVolume.open(image, false, FileVolume.Mode.READ_WRITE);
        server = builder().start();
    }

    private NbdServer.Builder builder() throws IOException {
        return NbdServer.builder()
                .export(Export.of("disk", volume).description("a disk"))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        volume.close();
    }

    private String uri() {
        return "nbd://localhost:" + server.port() + "/disk";
    }

    private String run(String... command) throws Exception {
        return Tools.run(dir, command);
    }

    @Test
    void nbdinfoUnderstandsEverythingThatIsTold() throws Exception {
        assertThat(run("nbdinfo", "--json", uri()))
                .contains("\"export-size\": " + SIZE, "\"can_multi_conn\": true", "\"can_fast_zero\": true")
                .contains("\"block_size_maximum\": 67108864", "base:allocation");
        assertThat(run("nbdinfo", "--list", "nbd://localhost:" + server.port())).contains("a disk");
        assertThat(run("nbdinfo", "--map", uri())).containsPattern("0 +3145728 +0 +data");
    }

    @Test
    void nbdinfoReadsDirtyBitmaps() throws Exception {
        server.exports().get(0).volume().add("b", 65536);
        run("qemu-io", "-f", "raw", "-c", "write 1M 4k", uri());

        assertThat(run("nbdinfo", "--map=qemu:dirty-bitmap:b", uri())).containsPattern("1048576 +65536 +1 +dirty");
    }

    @Test
    void nbdcopyCopiesBothWays() throws Exception {
        final Path copy = dir.resolve("copy.img");
        run("nbdcopy", uri(), copy.toString());
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);

        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
            file.seek(40 << 20);
            file.write(new byte[] {1, 2, 3});
        }
        run("nbdcopy", "--flush", copy.toString(), uri());
        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
    }

    @Test
    void qemuImgReadsMapsAndCompares() throws Exception {
        assertThat(run("qemu-img", "info", uri())).contains("64 MiB");
        assertThat(run("qemu-img", "map", "--output=json", uri())).contains("\"length\": 3145728");
        assertThat(run("qemu-img", "compare", "-f", "raw", "-F", "raw", uri(), image.toString()))
                .contains("identical");
        final Path copy = dir.resolve("copy.qcow2");
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri(), copy.toString());
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", copy.toString(), uri());
        run("qemu-img", "bench", "-f", "raw", "-c", "2000", "-d", "16", uri());
        run("qemu-img", "bench", "-f", "raw", "-w", "-c", "500", "-d", "16", "--flush-interval=50", uri());
    }

    @Test
    void qemuIoWritesZeroesDiscardsAndReadsBack() throws Exception {
        assertThat(run(
                        "qemu-io",
                        "-f",
                        "raw",
                        "-c",
                        "write -P 0x41 5000 1M",
                        "-c",
                        "write -f -P 0x42 2M 64k",
                        "-c",
                        "write -z -u 1M 64k",
                        "-c",
                        "discard 10M 1M",
                        "-c",
                        "flush",
                        "-c",
                        "read -P 0x41 5000 900k",
                        "-c",
                        "read -P 0x42 2M 64k",
                        "-c",
                        "read -P 0 1M 64k",
                        "-c",
                        "read -P 0 10M 1M",
                        uri()))
                .doesNotContain("verification failed");
    }

    @Test
    void fioVerifiesWhatItWrote() throws Exception {
        final String text = run(
                "fio",
                "--name=v",
                "--ioengine=nbd",
                "--uri=" + uri(),
                "--rw=randrw",
                "--bsrange=512-128k",
                "--bs_unaligned",
                "--size=32M",
                "--iodepth=16",
                "--verify=crc32c",
                "--do_verify=1",
                "--verify_state_save=0");
        assertThat(text).contains("err= 0");
    }

    @Test
    void nbdClientListsExports() throws Exception {
        assertThat(run("nbd-client", "-l", "localhost", Integer.toString(server.port())))
                .contains("disk");
    }

    @Test
    void nbdkitAsAProxyPassesEverythingOn() throws Exception {
        final Path socket = dir.resolve("proxy.sock");
        try (Tools.Peer proxy = new Tools.Peer(dir, "nbdkit", "-f", "-U", socket.toString(), "nbd", "uri=" + uri())) {
            proxy.await(socket);
            final Path copy = dir.resolve("copy.img");
            run("nbdcopy", "nbd+unix:///?socket=" + socket, copy.toString());
            assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        }
    }

    @Test
    void tlsWithCertificatesOnBothSides() throws Exception {
        final Path certificates = Tools.certificates(dir);
        server.close();
        server = builder().tls(NbdTls.server(certificates, true), true).start();
        final String nbds = "nbds://localhost:" + server.port() + "/disk?tls-certificates=" + certificates;
        final Path copy = dir.resolve("copy.img");

        run("nbdcopy", nbds, copy.toString());

        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        try (NbdVolume own = NbdVolume.open(NbdAddress.of(Locator.parse(nbds)))) {
            assertThat(own.info().tls()).isTrue();
            final ByteBuffer all = ByteBuffer.allocateDirect(3 << 20);
            own.read(0, all);
            assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(Files.readAllBytes(image), 0, 3 << 20));
        }
    }
}
