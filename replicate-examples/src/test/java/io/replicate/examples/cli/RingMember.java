package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process of {@code replicate ring}, with the memory of a small machine, and what it prints. */
final class RingMember {
    static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Pattern RECEIVED = Pattern.compile("\"received\":(\\d+)");

    private final Process process;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    private RingMember(final Process process) {
        this.process = process;
        final Thread reader = new Thread(this::read, "member-output");
        reader.setDaemon(true);
        reader.start();
    }

    /** Starts {@code replicate ring} with some arguments, behind a prefix such as {@code ip netns exec NAME}. */
    static RingMember start(final List<String> prefix, final List<String> arguments) throws IOException {
        return new RingMember(builder(prefix, arguments).start());
    }

    private static ProcessBuilder builder(final List<String> prefix, final List<String> arguments) {
        final List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:MaxDirectMemorySize=64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "io.replicate.examples.cli.Main",
                "ring"));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectErrorStream(true);
    }

    private void read() {
        try (BufferedReader from = process.inputReader(StandardCharsets.UTF_8)) {
            from.lines().forEach(lines::add);
        } catch (final IOException | UncheckedIOException e) {
            lines.add("(" + e.getMessage() + ")");
        }
    }

    /** Gives the process its standard input, and ends it. */
    void feed(final InputStream bytes) throws IOException {
        try (OutputStream to = process.getOutputStream()) {
            bytes.transferTo(to);
        }
    }

    List<String> lines() {
        return lines;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Returns how much it has received, by its progress lines. */
    long received() {
        long most = 0;
        for (final String line : lines) {
            final Matcher matcher = RECEIVED.matcher(line);
            while (matcher.find()) {
                most = Math.max(most, Long.parseLong(matcher.group(1)));
            }
        }
        return most;
    }

    boolean said(final String part) {
        return lines.stream().anyMatch(line -> line.contains(part));
    }

    void awaitSaid(final String part) {
        await(part).atMost(LIMIT).until(() -> said(part) || !process.isAlive());
        assertThat(said(part)).as("'%s' in %s", part, lines).isTrue();
    }

    void awaitReceived(final long bytes) {
        await("received " + bytes).atMost(LIMIT).until(() -> received() >= bytes || !isAlive());
        assertThat(received()).as("%s", lines).isGreaterThanOrEqualTo(bytes);
    }

    void signal(final String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    int exit() throws InterruptedException {
        assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS))
                .as("%s", lines)
                .isTrue();
        return process.exitValue();
    }

    void destroy() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
