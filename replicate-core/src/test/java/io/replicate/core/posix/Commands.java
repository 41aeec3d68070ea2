package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the system's tools. */
public final class Commands {
    private static final List<String> DIRECTORIES = List.of("/usr/sbin", "/sbin", "/usr/bin", "/bin");
    private static final long TIMEOUT_SECONDS = 60;

    private Commands() {}

    /** What a command left. */
    public record Outcome(int exitCode, String output) {}

    /** Skips the calling test where the tool is missing. */
    public static void assumeTool(String name) {
        assumeTrue(DIRECTORIES.stream().anyMatch(d -> Files.isExecutable(Path.of(d, name))), "missing tool: " + name);
    }

    /** Skips the calling test unless it runs as root. */
    public static void assumeRoot(String purpose) {
        assumeTrue(
                "root".equals(System.getProperty("user.name")), "missing kernel feature: " + purpose + " needs root");
    }

    static Path sparseImage(long sizeBytes) throws IOException {
        Path image = Files.createTempFile("replicate-test-", ".img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return image;
    }

    /** Returns what the command printed; throws if it failed. */
    public static String run(String... command) throws IOException {
        Outcome outcome = attempt(command);
        if (outcome.exitCode != 0) {
            throw new IOException(String.join(" ", command) + ": " + outcome.output);
        }
        return outcome.output;
    }

    /** Returns how the command ended. */
    public static Outcome attempt(String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, sbin) -> path + ":" + sbin);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + ": no end after " + TIMEOUT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        return new Outcome(process.exitValue(), output);
    }
}
