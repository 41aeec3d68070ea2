package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeApiServer;
import io.replicate.cas.testing.LineServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** keep-rsync in a process of its own with little memory: a smaller copy of what {@code bench cas} does at full size. */
class KeepRsyncMemoryIT {
    @TempDir
    private Path directory;

    private String run(final String memory, final String... args) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + memory,
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "keep-rsync"));
        command.addAll(Arrays.asList(args));
        final Path log = directory.resolve("log");
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("it ended").isTrue();
        final String text = Files.readString(log);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }

    @Test
    void anIndexTakesAFewBytesALine() throws Exception {
        final Path settings = directory.resolve("some.conf");
        Files.writeString(settings, "ARVADOS_API_TOKEN=token0of0nobody\n");
        // As text in maps these lines would take some 100 MB.
        try (LineServer from = new LineServer(300_000);
                LineServer to = new LineServer(300_000)) {
            final String text = run(
                    "44m",
                    "-src",
                    settings.toString(),
                    "-dst",
                    settings.toString(),
                    "-replications",
                    "1",
                    "-src-keep-services-json",
                    services(from),
                    "-dst-keep-services-json",
                    services(to));

            assertThat(text).contains("source has 300000 blocks, destination has 300000 blocks: 0 blocks to copy");
        }
    }

    private static String services(final LineServer server) {
        return FakeApiServer.list(List.of(
                FakeApiServer.service("lines-bi6l4-000000000000000", "127.0.0.1", server.port(), "disk", false)));
    }

    @Test
    void blocksUnderWayKeepToTheBudgetWhateverTheWorkers() throws Exception {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            final int[] sizes = new int[10];
            Arrays.fill(sizes, 16 << 20);
            final List<String> hashes = both.fill(41, sizes);

            // Sixteen workers, each with its block, would need four times as much.
            run(
                    "64m",
                    "-src",
                    both.srcSettings().toString(),
                    "-dst",
                    both.dstSettings().toString(),
                    "--workers",
                    "16");

            both.assertPlaced(hashes, 2);
        }
    }
}
