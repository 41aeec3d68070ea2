package io.replicate.examples.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a command cost.
 *
 * @param seconds of the clock.
 * @param cpuSeconds of the processors, user and system.
 */
record Timed(double seconds, double cpuSeconds) {
    private static final String MARK = "BENCHTIMES";
    private static final long LONGEST_MINUTES = 30;

    /** Runs a command to its end; it must succeed. */
    static Timed run(final Path work, final List<String> command) throws IOException, InterruptedException {
        final Path output = Files.createTempFile(work, "out", ".log");
        final List<String> whole = new ArrayList<>(
                List.of("bash", "-c", "TIMEFORMAT='" + MARK + " %R %U %S'; time \"$@\"; exit $?", "bench"));
        whole.addAll(command);
        final Process process = new ProcessBuilder(whole)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        if (!process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new IOException(command.get(0) + " did not end");
        }
        final String text = Files.readString(output, StandardCharsets.UTF_8);
        Files.delete(output);
        if (process.exitValue() != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + text.strip());
        }
        final String[] times = text.lines()
                .filter(line -> line.startsWith(MARK))
                .findFirst()
                .orElseThrow(() -> new IOException("no times of " + command))
                .split(" ");
        return new Timed(Double.parseDouble(times[1]), Double.parseDouble(times[2]) + Double.parseDouble(times[3]));
    }
}
