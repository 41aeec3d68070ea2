package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Server and client against the tools of libnbd, QEMU, nbdkit, nbd and fio; each test needs its tools installed. */
@Tag("interop")
class InteropIT {
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

    private static void needs(String tool) {
        assumeTrue(
                List.of(System.getenv("PATH").split(":")).stream().anyMatch(p -> Files.isExecutable(Path.of(p, tool))),
                tool + " is not installed");
    }

    private String run(String... command) throws Exception {
        needs(command[0]);
        final Path out = Files.createTempFile(dir, "out", ".txt");
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        final boolean ended = process.waitFor(60, TimeUnit.SECONDS);
        process.destroyForcibly();
        final String text = Files.readString(out);
        assertThat(ended).as("%s ended: %s", String.join(" ", command), text).isTrue();
        assertThat(process.exitValue())
                .as("%s: %s", String.join(" ", command), text)
                .isZero();
        return text;
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
        try (Peer proxy = new Peer("nbdkit", "-f", "-U", socket.toString(), "nbd", "uri=" + uri())) {
            proxy.await(socket);
            final Path copy = dir.resolve("copy.img");
            run("nbdcopy", "nbd+unix:///?socket=" + socket, copy.toString());
            assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
        }
    }

    @Test
    void tlsWithCertificatesOnBothSides() throws Exception {
        final Path certificates = certificates();
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

    private Path certificates() throws Exception {
        final Path c = Files.createDirectories(dir.resolve("pki"));
        run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-keyout",
                c + "/ca-key.pem",
                "-out",
                c + "/ca-cert.pem");
        Files.writeString(c.resolve("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
        for (final String side : List.of("server", "client")) {
            run(
                    "openssl",
                    "req",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-subj",
                    "/CN=localhost",
                    "-keyout",
                    c + "/" + side + "-key.pem",
                    "-out",
                    c + "/" + side + ".csr");
            run(
                    "openssl",
                    "x509",
                    "-req",
                    "-in",
                    c + "/" + side + ".csr",
                    "-CA",
                    c + "/ca-cert.pem",
                    "-CAkey",
                    c + "/ca-key.pem",
                    "-CAcreateserial",
                    "-days",
                    "2",
                    "-extfile",
                    c + "/ext",
                    "-out",
                    c + "/" + side + "-cert.pem");
        }
        return c;
    }

    /** A server of somebody else, ended with the test. */
    private final class Peer implements AutoCloseable {
        private final Process process;

        Peer(String... command) throws IOException {
            needs(command[0]);
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(dir.resolve(command[0] + ".log").toFile())
                    .start();
        }

        void await(Path socket) {
            org.awaitility.Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> Files.exists(socket));
        }

        @Override
        public void close() throws Exception {
            process.destroyForcibly().waitFor();
        }
    }

    private NbdVolume ofSocket(Path socket, String more) throws IOException {
        return NbdVolume.open(NbdAddress.of(Locator.parse("nbd+unix:///?socket=" + socket + more)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--no-sr",
                "--mask-handshake=0",
                "--mask-handshake=1",
                "--mask-handshake=2",
                "--mask-handshake=3",
                "--filter=noextents",
                "--filter=nozero",
                "--filter=noparallel"
            })
    void theClientReadsFromServersThatCanDoLess(String option) throws Exception {
        final Path socket = dir.resolve("k.sock");
        try (Peer nbdkit = new Peer("nbdkit", "-f", option, "-U", socket.toString(), "file", image.toString())) {
            nbdkit.await(socket);
            try (NbdVolume weak = ofSocket(socket, "")) {
                final ByteBuffer all = ByteBuffer.allocateDirect((int) SIZE);
                weak.read(0, all);
                weak.zero(100, 5000, Set.of());
                weak.write(200, ByteBuffer.wrap(new byte[] {9}), Set.of());

                assertThat(all.get(2 << 20)).isEqualTo(Files.readAllBytes(image)[2 << 20]);
                assertThat(weak.extents(0, SIZE, 1000)).isNotEmpty();
                final byte[] now = Files.readAllBytes(image);
                assertThat(now[150]).isZero();
                assertThat(now[200]).isEqualTo((byte) 9);
            }
        }
    }

    @Test
    void theClientReadsAndWritesOldstyle() throws Exception {
        final Path socket = dir.resolve("k.sock");
        try (Peer nbdkit = new Peer("nbdkit", "-f", "--oldstyle", "-U", socket.toString(), "file", image.toString())) {
            nbdkit.await(socket);
            try (NbdVolume old = ofSocket(socket, "")) {
                old.write(200, ByteBuffer.wrap(new byte[] {9}), Set.of());
                final ByteBuffer into = ByteBuffer.allocate(1);
                old.read(200, into);

                assertThat(into.get(0)).isEqualTo((byte) 9);
                assertThat(old.info().protocol()).isEqualTo("oldstyle");
            }
        }
    }

    @Test
    void theClientWaitsForASlowServerAndReportsErrors() throws Exception {
        final Path socket = dir.resolve("k.sock");
        final Path trigger = dir.resolve("fail");
        try (Peer nbdkit = new Peer(
                "nbdkit",
                "-f",
                "-U",
                socket.toString(),
                "--filter=error",
                "--filter=delay",
                "memory",
                "1M",
                "rdelay=300ms",
                "error=EIO",
                "error-rate=100%",
                "error-file=" + trigger)) {
            nbdkit.await(socket);
            try (NbdVolume slow = ofSocket(socket, "")) {
                slow.read(0, ByteBuffer.allocate(512));
                Files.writeString(trigger, "");

                org.assertj.core.api.Assertions.assertThatThrownBy(() -> slow.read(0, ByteBuffer.allocate(512)))
                        .hasMessageContaining("EIO");
            }
        }
    }

    @Test
    void theClientSurvivesAServerThatIsKilledAndStartedAgain() throws Exception {
        final Path socket = dir.resolve("k.sock");
        final String[] command = {"nbdkit", "-f", "-U", socket.toString(), "file", image.toString()};
        try (Peer first = new Peer(command)) {
            first.await(socket);
            try (NbdVolume remote = ofSocket(socket, "&reconnect=20")) {
                remote.write(0, ByteBuffer.wrap(new byte[] {1}), Set.of());
                first.close();
                Files.delete(socket);
                try (Peer second = new Peer(command)) {
                    remote.write(1, ByteBuffer.wrap(new byte[] {2}), Set.of());
                    remote.flush();
                }
            }
        }
        assertThat(Files.readAllBytes(image)).startsWith(1, 2);
    }

    @Test
    void theClientUsesNbdServerAndQemuNbd() throws Exception {
        final Path socket = dir.resolve("q.sock");
        try (Peer qemu = new Peer("qemu-nbd", "-f", "raw", "-t", "-k", socket.toString(), image.toString())) {
            qemu.await(socket);
            org.awaitility.Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .ignoreExceptions()
                    .untilAsserted(() -> {
                        try (NbdVolume remote = ofSocket(socket, "&connections=1")) {
                            final ByteBuffer all = ByteBuffer.allocateDirect(1 << 20);
                            remote.read(1 << 20, all);
                            assertThat(all.flip())
                                    .isEqualTo(ByteBuffer.wrap(Files.readAllBytes(image), 1 << 20, 1 << 20));
                            assertThat(remote.extents(0, SIZE, 100).get(0).hasData())
                                    .isTrue();
                        }
                    });
        }
    }
}
