package io.replicate.examples.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A program under measurement. Its processor time is taken from the shell that waits for it; what it needed before it said
 * that it began to work can be left out.
 */
final class Program implements AutoCloseable {
    private static final String TIMES = "BENCHTIMES";

    private final Process shell;
    private final List<String> lines = new ArrayList<>();
    private final CountDownLatch ready = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private final String readyText;
    private final String workText;
    private double cpuAtReady;
    private double cpuTotal;

    private Program(final Process shell, final String readyText, final String workText) {
        this.shell = shell;
        this.readyText = readyText;
        this.workText = workText;
    }

    /** Starts a program; {@code readyText} begins the line by which it says that it is ready, and works from then on. */
    static Program start(final List<String> command, final String readyText) throws IOException {
        return start(command, readyText, readyText);
    }

    /** As the other, for a program that still prepares itself before it says {@code workText}. */
    static Program start(final List<String> command, final String readyText, final String workText) throws IOException {
        final List<String> whole = new ArrayList<>(
                List.of("bash", "-c", "TIMEFORMAT='" + TIMES + " %U %S'; time \"$@\"; exit $?", "bench"));
        whole.addAll(command);
        final Process shell =
                new ProcessBuilder(whole).redirectErrorStream(true).start();
        final Program program = new Program(shell, readyText, workText);
        final Thread reader = new Thread(program::read, "bench-read");
        reader.setDaemon(true);
        reader.start();
        return program;
    }

    private void read() {
        try (BufferedReader in =
                new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8))) {
            for (@Nullable String line = in.readLine(); line != null; line = in.readLine()) {
                take(line);
            }
        } catch (final IOException e) {
            synchronized (lines) {
                lines.add("output lost: " + e.getMessage());
            }
        } finally {
            ready.countDown();
            drained.countDown();
        }
    }

    private void take(final String line) {
        synchronized (lines) {
            if (line.startsWith(TIMES)) {
                final String[] parts = line.split(" ");
                cpuTotal = Double.parseDouble(parts[1]) + Double.parseDouble(parts[2]);
                return;
            }
            lines.add(line);
            if (line.startsWith(workText)) {
                cpuAtReady = cpuOfChildren();
            }
            if (line.startsWith(readyText)) {
                ready.countDown();
            }
        }
    }

    private double cpuOfChildren() {
        return shell.descendants().mapToDouble(p -> cpuOf(p.pid())).sum();
    }

    /** Returns user and system seconds of a process, from /proc; the clock has 100 ticks a second. */
    private static double cpuOf(final long pid) {
        try {
            final String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            final String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
        } catch (final IOException e) {
            return 0;
        }
    }

    /** Waits until the program says that it is ready. */
    void awaitReady() throws IOException, InterruptedException {
        if (!ready.await(60, TimeUnit.SECONDS) || drained.getCount() == 0) {
            throw new IOException("a program did not get ready: " + output());
        }
    }

    /** Waits for the end and returns what the program printed. */
    String await() throws IOException, InterruptedException {
        if (!shell.waitFor(120, TimeUnit.SECONDS) || !drained.await(5, TimeUnit.SECONDS)) {
            throw new IOException("a program did not end: " + output());
        }
        if (shell.exitValue() != 0) {
            throw new IOException("a program failed with " + shell.exitValue() + ": " + output());
        }
        return output();
    }

    private String output() {
        synchronized (lines) {
            return String.join("\n", lines);
        }
    }

    /** Returns the processor seconds of the whole program, without what it needed before its work. */
    double cpuSeconds() {
        synchronized (lines) {
            return cpuTotal - cpuAtReady;
        }
    }

    @Override
    public void close() {
        shell.descendants().forEach(ProcessHandle::destroyForcibly);
        shell.destroyForcibly();
    }
}
