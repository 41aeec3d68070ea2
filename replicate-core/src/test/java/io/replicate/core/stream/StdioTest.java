package io.replicate.core.stream;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.contract.Images;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Standard streams of real processes. */
@Timeout(240)
class StdioTest {
    @TempDir
    Path directory = Path.of("");

    private final byte[] image = Images.sparse(2_000_001, new Random(3));

    private static ProcessBuilder java(final String from, final String to) {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        StdioMain.class.getName(),
                        from,
                        to)
                .redirectError(ProcessBuilder.Redirect.INHERIT);
    }

    private Path source() throws IOException {
        return Files.write(directory.resolve("source"), image);
    }

    private static void assertEndsWell(final Process process) throws InterruptedException {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"stdio:", "/dev/stdout"})
    void aPipeBehindUsGetsEveryByte(final String stdout) throws Exception {
        final Process process = java(source().toString(), stdout).start();

        assertThat(process.getInputStream().readAllBytes()).isEqualTo(image);
        assertEndsWell(process);
    }

    @ParameterizedTest
    @ValueSource(strings = {"stdio:", "/dev/stdin", "stdio:?size=2000001"})
    void aPipeBeforeUsIsReadToItsEnd(final String stdin) throws Exception {
        final Path target = directory.resolve("target");
        final Process process = java(stdin, target.toString()).start();
        process.getOutputStream().write(image);
        process.getOutputStream().close();

        assertEndsWell(process);
        assertThat(Files.readAllBytes(target)).isEqualTo(image);
    }

    @Test
    void aRedirectedFileGetsEveryByte() throws Exception {
        final Path target = directory.resolve("target");

        assertEndsWell(java(source().toString(), "stdio:")
                .redirectOutput(target.toFile())
                .start());
        assertThat(Files.readAllBytes(target)).isEqualTo(image);
    }
}
