package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.cas.testing.Era;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** keep-rsync in a process of its own, killed and stopped on its way. */
class KeepRsyncKillIT {
    private static final int BLOCKS = 300;

    @TempDir
    private Path directory;

    private Process start(final KeepRsyncHarness both, final Path log) throws IOException {
        final List<String> command = new ArrayList<>(List.of(
                // Who starts the tests in the background of a shell has it ignore the interrupt.
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "keep-rsync",
                "-src",
                both.srcSettings().toString(),
                "-dst",
                both.dstSettings().toString(),
                "--workers",
                "4"));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private KeepRsyncHarness slowClusters() {
        final KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 2, 3);
        both.src.stores().forEach(store -> store.faults().latency(Duration.ofMillis(20)));
        return both;
    }

    @Test
    void killedItCopiesExactlyTheRest() throws Exception {
        try (KeepRsyncHarness both = slowClusters()) {
            final List<String> hashes = both.fill(1, BLOCKS);
            final Process process = start(both, directory.resolve("log"));
            await().atMost(Duration.ofMinutes(1)).until(() -> both.goodWrites() > 60);
            process.destroyForcibly().waitFor();
            // What was sent before the kill may still be on its way into the stores.
            final int[] before = {-1};
            await().atMost(Duration.ofMinutes(1))
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> {
                        final int last = before[0];
                        before[0] = both.dst.hashes().size();
                        return before[0] == last;
                    });
            final int indexed = both.dst.hashes().size();
            assertThat(indexed).isBetween(20, BLOCKS - 1);
            both.clearLogs();

            final KeepRsyncHarness.Run run = both.run("--ensure-replicas").assertCode(0);

            assertThat(run.err()).contains("copied " + (BLOCKS - indexed) + " blocks");
            both.assertPlaced(hashes, 2);
            assertThat(both.dst.hashes()).isEqualTo(new TreeSet<>(hashes));
            for (int n = 0; n < 3; n++) {
                assertThat(both.dst.store(n).blocks().hashes()).allMatch(hash -> hash.length() == 32);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143", "INT, 130"})
    void aSignalFinishesTheBlocksUnderWayAndEndsWithItsCode(final String signal, final int code) throws Exception {
        try (KeepRsyncHarness both = slowClusters()) {
            both.fill(2, BLOCKS);
            final Path log = directory.resolve("log");
            final Process process = start(both, log);
            await().atMost(Duration.ofMinutes(1)).until(() -> both.goodWrites() > 20);

            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();

            assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo(code);
            assertThat(Files.readString(log)).contains("stopped").doesNotContain("Exception");
            // Every block of the index has all its copies: none was left half-done.
            for (final String hash : both.dst.hashes()) {
                assertThat(both.dst.holders(hash)).hasSize(2);
            }
        }
    }
}
