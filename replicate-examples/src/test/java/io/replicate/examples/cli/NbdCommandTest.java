package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
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

    @Test
    void aDescriptionThatNoClientWouldTakeIsRefused(@TempDir final Path dir) throws Exception {
        final Path disk = Files.write(dir.resolve("disk"), new byte[4096]);

        assertThat(run("nbd", "serve", disk.toString(), "--port", "0", "--description", "x".repeat(4097)))
                .isEqualTo(ExitCode.USAGE);

        assertThat(err.toString()).contains("--description must be at most 4096 bytes");
    }
}
