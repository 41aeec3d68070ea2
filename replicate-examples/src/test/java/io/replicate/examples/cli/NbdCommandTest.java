package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.file.FileVolume;
import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.control.ControlServer;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NbdCommandTest {
    /** What clears a screen. */
    private static final String HOSTILE = "disk\u001b[2J\nroot";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(final String... args) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    private static NbdServer serve() throws IOException {
        return NbdServer.builder()
                .export(Export.of(HOSTILE, new MemoryVolume("m", 4096)).description(HOSTILE))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .start();
    }

    @Test
    void namesOfAServerCannotMoveTheCursor() throws Exception {
        try (NbdServer server = serve()) {
            assertThat(run("nbd", "list", "nbd://localhost:" + server.port())).isZero();
            assertThat(out.toString()).isEqualTo("disk?[2J?root\tdisk?[2J?root" + System.lineSeparator());

            assertThat(run("nbd", "info", "nbd://localhost:" + server.port())).isZero();
            assertThat(out.toString()).contains("export: disk?[2J?root").doesNotContain("\u001b");
        }
    }

    @Test
    void jsonKeepsNamesAsTheyAre() throws Exception {
        try (NbdServer server = serve()) {
            assertThat(run("nbd", "list", "--json", "nbd://localhost:" + server.port()))
                    .isZero();
            assertThat(out.toString()).contains("[2J\\nroot").doesNotContain("\u001b");
        }
    }

    /** A copy, and then day after day what the bitmap of the day before marks: never more, and never less. */
    @Test
    void aCopyIsKeptUpWithABitmap(@TempDir final Path dir) throws Exception {
        final byte[] disk = new byte[1 << 20];
        new Random(3).nextBytes(disk);
        final String image = Files.write(dir.resolve("disk"), disk).toString();
        final String copy = dir.resolve("copy").toString();
        final String control = dir.resolve("control").toString();
        try (FileVolume volume = FileVolume.open(Path.of(image), false, FileVolume.Mode.READ_WRITE);
                NbdServer server = NbdServer.builder()
                        .export(Export.of("disk", volume))
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .start();
                ControlServer orders = ControlServer.start(server, Path.of(control))) {
            final String uri = "nbd://localhost:" + server.port() + "/disk";
            ok("nbd", "bitmap", "add", "monday", "--control", control);
            ok("copy", uri, copy);
            try (NbdVolume client = NbdVolume.open(NbdAddress.of(Locator.parse(uri)))) {
                client.write(5 * 65536 + 7, ByteBuffer.wrap(new byte[100]), Set.of());
                client.zero(8 * 65536, 65536, Set.of());
            }
            ok("nbd", "bitmap", "add", "tuesday", "--control", control);
            ok("copy", "--json", "--bitmap", "monday", uri, copy);
            assertThat(out.toString()).contains("\"bytes\":" + 2 * 65536, "\"committed\":\"IN_PLACE\"");
            assertThat(Files.mismatch(Path.of(image), Path.of(copy))).isEqualTo(-1);

            ok("nbd", "bitmap", "clear", "monday", "--control", control);
            ok("copy", "--json", "--bitmap", "monday", uri, copy);
            assertThat(out.toString()).contains("\"bytes\":0,");
            assertThat(run("copy", "--bitmap", "sunday", uri, copy)).isEqualTo(ExitCode.USAGE);
            assertThat(err.toString()).contains("sunday");
            assertThat(run(
                            "copy",
                            "--bitmap",
                            "monday",
                            uri,
                            dir.resolve("none").toString()))
                    .isNotZero();
            assertThat(dir.resolve("none")).doesNotExist();
        }
    }

    private void ok(final String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        assertThat(run(args)).as("%s: %s", List.of(args), err).isZero();
    }

    @Test
    void aDescriptionThatNoClientWouldTakeIsRefused(@TempDir final Path dir) throws Exception {
        final Path disk = Files.write(dir.resolve("disk"), new byte[4096]);

        assertThat(run("nbd", "serve", disk.toString(), "--port", "0", "--description", "x".repeat(4097)))
                .isEqualTo(ExitCode.USAGE);

        assertThat(err.toString()).contains("--description must be at most 4096 bytes");
    }
}
