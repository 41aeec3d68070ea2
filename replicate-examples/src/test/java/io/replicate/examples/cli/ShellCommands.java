package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs commands, ours among them, in processes of their own, and ends those that still run when it is closed. */
final class ShellCommands implements AutoCloseable {
    private static final int LIMIT_SECONDS = 120;

    private final Path dir;
    private final List<Process> processes = new ArrayList<>();

    /** @param dir where their output goes. */
    ShellCommands(final Path dir) {
        this.dir = dir;
    }

    static boolean installed(final String... tools) {
        return Arrays.stream(tools)
                .allMatch(tool -> Arrays.stream(System.getenv("PATH").split(":"))
                        .anyMatch(place -> Files.isExecutable(Path.of(place, tool))));
    }

    /** Runs a command that must succeed, and returns what it said on both streams. */
    String run(final Map<String, String> environment, final Object... command)
            throws IOException, InterruptedException {
        final Path output = Files.createTempFile(dir, "run", ".out");
        final ProcessBuilder builder = new ProcessBuilder(
                        Stream.of(command).map(Object::toString).toList())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        final Process process = builder.start();
        processes.add(process);
        assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS))
                .as("%s", Arrays.asList(command))
                .isTrue();
        final String said = Files.readString(output);
        assertThat(process.exitValue())
                .as("%s: %s", Arrays.asList(command), said)
                .isZero();
        return said;
    }

    /** Runs {@code replicate} with little memory. */
    String replicate(final Map<String, String> environment, final Object... arguments)
            throws IOException, InterruptedException {
        return run(environment, ours(arguments));
    }

    /** Starts a command that goes on. */
    Process start(final Object... command) throws IOException {
        final Process process = new ProcessBuilder(
                        Stream.of(command).map(Object::toString).toList())
                .inheritIO()
                .start();
        processes.add(process);
        return process;
    }

    /** Starts a {@code replicate} that goes on. */
    Process startReplicate(final Object... arguments) throws IOException {
        return start(ours(arguments));
    }

    private static Object[] ours(final Object... arguments) {
        final List<Object> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java"),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments));
        return command.toArray();
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
    }
}
