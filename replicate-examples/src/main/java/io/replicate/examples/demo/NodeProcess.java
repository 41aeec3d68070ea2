package io.replicate.examples.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A node of the ring in a process of its own, started by the same command line that a user would type. */
final class NodeProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeProcess.class);
    private static final String BOUND = "ring: waiting for a server at tcp://";

    private final Process process;
    private final String address;
    private final Path target;

    private NodeProcess(final Process process, final String address, final Path target) {
        this.process = process;
        this.address = address;
        this.target = target;
    }

    /** Starts {@code replicate ring join} on a free port of loopback, and waits until it listens. */
    static NodeProcess start(final Path target, final Path secretFile) throws IOException {
        final List<String> command = new ArrayList<>(javaCommand());
        command.addAll(List.of(
                "ring", "join", "--secret-file", secretFile.toString(), "--listen", "127.0.0.1:0", target.toString()));
        final ProcessBuilder builder = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.PIPE);
        final Process process = builder.start();
        final BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8));
        final StringBuilder said = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith(BOUND)) {
                drain(lines);
                return new NodeProcess(process, line.substring(BOUND.length()), target);
            }
            said.append(line).append('\n');
        }
        process.destroyForcibly();
        throw new IOException("a node did not start:\n" + said);
    }

    private static List<String> javaCommand() {
        final List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx64m"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.replicate.examples.cli.Main"));
        return command;
    }

    private static void drain(final BufferedReader lines) {
        final Thread thread = new Thread(() -> {
            try (lines) {
                lines.lines().forEach(line -> LOG.debug("{}", line));
            } catch (final IOException | UncheckedIOException e) {
                LOG.debug("the process has ended: {}", e.getMessage());
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    String address() {
        return address;
    }

    Path target() {
        return target;
    }

    long pid() {
        return process.pid();
    }

    /** Sends SIGKILL. */
    void kill() {
        process.destroyForcibly();
    }

    /** Returns the exit code, or -1 when it has not ended within ten seconds. */
    int exitCode() throws InterruptedException {
        return process.waitFor(10, TimeUnit.SECONDS) ? process.exitValue() : -1;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
