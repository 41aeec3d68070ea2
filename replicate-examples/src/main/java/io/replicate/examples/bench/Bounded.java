package io.replicate.examples.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs commands that must end in time. */
final class Bounded {
    private static final int SHOWN = 500;

    private Bounded() {}

    /** Runs a command and returns its standard output; one that fails or takes longer is an error. */
    static String output(final Path work, final Duration longest, final List<String> command)
            throws IOException, InterruptedException {
        final Path output = Files.createTempFile(work, "out", ".log");
        final Path errors = Files.createTempFile(work, "err", ".log");
        try {
            final Process process = new ProcessBuilder(command)
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile())
                    .start();
            if (!process.waitFor(longest.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                throw new IOException("not over after " + longest.toSeconds() + " s: " + String.join(" ", command));
            }
            if (process.exitValue() != 0) {
                final String said =
                        Files.readString(errors, StandardCharsets.UTF_8).strip();
                throw new IOException("failed: " + String.join(" ", command) + ": "
                        + said.substring(0, Math.min(SHOWN, said.length())));
            }
            return Files.readString(output, StandardCharsets.UTF_8);
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }
}
