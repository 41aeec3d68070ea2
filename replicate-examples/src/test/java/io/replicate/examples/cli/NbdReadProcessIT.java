package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code nbd read} says of a standard output that does not take the bytes. */
@Timeout(120)
class NbdReadProcessIT {
    @TempDir
    private Path dir;

    private final byte[] content = new byte[3_000_001];
    private NbdServer server;

    @BeforeEach
    void serve() throws Exception {
        new Random(1).nextBytes(content);
        final MemoryVolume disk = new MemoryVolume("disk", content.length);
        disk.write(0, ByteBuffer.wrap(content), Set.of());
        server = NbdServer.builder()
                .export(Export.of("", disk))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .start();
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
    }

    private Process read(final ProcessBuilder.Redirect out) throws Exception {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "nbd",
                        "read",
                        "nbd://127.0.0.1:" + server.port())
                .redirectOutput(out)
                .redirectError(dir.resolve("err").toFile())
                .start();
    }

    @Test
    void allBytesComeOut() throws Exception {
        final Path out = dir.resolve("out");

        assertThat(read(ProcessBuilder.Redirect.to(out.toFile())).waitFor()).isZero();

        assertThat(out).hasBinaryContent(content);
    }

    @Test
    void aFullOutputIsAFailure() throws Exception {
        assertThat(read(ProcessBuilder.Redirect.to(Path.of("/dev/full").toFile()))
                        .waitFor())
                .isEqualTo(ExitCode.FAILED);

        assertThat(Files.readAllLines(dir.resolve("err")))
                .contains("replicate nbd read: standard output: No space left on device");
    }

    @Test
    void aReaderThatLeavesIsAFailureToo() throws Exception {
        final Process process = read(ProcessBuilder.Redirect.PIPE);
        process.getInputStream().close();

        assertThat(process.waitFor()).isEqualTo(ExitCode.FAILED);
        assertThat(Files.readAllLines(dir.resolve("err"))).contains("replicate nbd read: standard output: Broken pipe");
    }
}
