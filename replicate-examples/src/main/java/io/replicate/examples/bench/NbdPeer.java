package io.replicate.examples.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One NBD server under measurement, ours or another's, with one file exported on a local port. */
final class NbdPeer implements AutoCloseable {
    private static final double TICKS_PER_SECOND = 100;
    private static final int UTIME = 11;
    private static final int CSTIME = 14;
    private static final int TRIES = 600;
    private static final int PAUSE_MS = 100;
    private static final int GREETING_MS = 1000;

    private final String name;
    private final int port;
    private final ProcessHandle process;
    /** Whoever stops the benchmark does not want to look for servers, of which one has gone into the background. */
    private final Thread atExit = new Thread(this::stop, "stop-peer");

    private NbdPeer(final String name, final int port, final ProcessHandle process) {
        this.name = name;
        this.port = port;
        this.process = process;
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    private void stop() {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
    }

    /** Starts ours, with the options that the launcher gives to a server. */
    static NbdPeer ours(final Path file) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(OurProgram.command("-Xmx128m", "-XX:CompileThresholdScaling=1"));
        final int port = freePort();
        command.addAll(
                List.of("nbd", "serve", file.toString(), "--addr", "127.0.0.1", "--port", Integer.toString(port)));
        return start("ours", port, command);
    }

    /** Starts nbdkit's file plugin. */
    static NbdPeer nbdkit(final Path file) throws IOException, InterruptedException {
        final int port = freePort();
        return start(
                "nbdkit file",
                port,
                List.of("nbdkit", "-f", "-i", "127.0.0.1", "-p", Integer.toString(port), "file", file.toString()));
    }

    /** Starts qemu-nbd for several clients. */
    static NbdPeer qemu(final Path file) throws IOException, InterruptedException {
        final int port = freePort();
        return start(
                "qemu-nbd",
                port,
                List.of(
                        "qemu-nbd",
                        "-f",
                        "raw",
                        "-t",
                        "-e",
                        "8",
                        "-b",
                        "127.0.0.1",
                        "-p",
                        Integer.toString(port),
                        file.toString()));
    }

    /** Starts nbd-server. */
    static NbdPeer nbdServer(final Path file) throws IOException, InterruptedException {
        final int port = freePort();
        final Path config = Files.createTempFile(file.getParent(), "nbd-server", ".conf");
        Files.writeString(
                config,
                "[generic]\nlistenaddr = 127.0.0.1\nport = " + port + "\nallowlist = true\n[default]\nexportname = "
                        + file + "\n");
        // it goes into the background by itself, and says in a file who it became
        final Path pid = file.resolveSibling(file.getFileName() + ".pid");
        final NbdPeer peer =
                start("nbd-server", port, List.of("nbd-server", "-C", config.toString(), "-p", pid.toString()));
        for (int tries = 0; Files.notExists(pid) || Files.size(pid) == 0; tries++) {
            if (tries == TRIES) {
                throw new IOException("nbd-server wrote no " + pid);
            }
            TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
        }
        final long daemon = Long.parseLong(Files.readString(pid).strip());
        return new NbdPeer(peer.name, port, ProcessHandle.of(daemon).orElseThrow());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static NbdPeer start(final String name, final int port, final List<String> command)
            throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        final NbdPeer peer = new NbdPeer(name, port, process.toHandle());
        for (int tries = 0; ; tries++) {
            try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
                probe.setSoTimeout(GREETING_MS);
                if (probe.getInputStream().read() >= 0) {
                    return peer;
                }
                throw new IOException("closes connections at once");
            } catch (final IOException e) {
                if (tries == TRIES || (!process.isAlive() && process.exitValue() != 0)) {
                    peer.close();
                    throw new IOException(
                            name + " did not start within " + TRIES * PAUSE_MS / 1000 + " s on port " + port + ": "
                                    + e.getMessage(),
                            e);
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
            }
        }
    }

    String name() {
        return name;
    }

    String uri() {
        return "nbd://127.0.0.1:" + port + ("nbd-server".equals(name) ? "/default" : "");
    }

    /** Returns user and system seconds of the server and of all its children, also those that are gone. */
    double cpuSeconds() {
        double seconds = cpuOf(process.pid());
        for (final ProcessHandle child : process.descendants().toList()) {
            seconds += cpuOf(child.pid());
        }
        return seconds;
    }

    private static double cpuOf(final long pid) {
        try {
            final String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            final String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            long ticks = 0;
            for (int i = UTIME; i <= CSTIME; i++) {
                ticks += Long.parseLong(fields[i]);
            }
            return ticks / TICKS_PER_SECOND;
        } catch (final IOException e) {
            return 0;
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (final IllegalStateException exiting) {
            return; // it has run, or will
        }
        try {
            process.onExit().get(20, TimeUnit.SECONDS);
        } catch (final TimeoutException | ExecutionException e) {
            process.destroyForcibly();
        } catch (final InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
