package io.replicate.ring.dolly;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A client of ours in a process of its own, which can be killed and frozen. */
final class NodeProcess implements AutoCloseable {
    private final Process process;
    private final CountDownLatch moved = new CountDownLatch(1);

    private NodeProcess(final Process process) {
        this.process = process;
    }

    /** Starts client {@code node} of a ring; it is listening when this returns. */
    static NodeProcess start(final DollyRing ring, final int node, final int idleSeconds) throws Exception {
        final Process process = new ProcessBuilder(List.of(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        NodeProcess.class.getName(),
                        Integer.toString(node),
                        Integer.toString(ring.dataPort),
                        Integer.toString(ring.controlPort),
                        ring.target(node).toString(),
                        Integer.toString(idleSeconds)))
                .redirectErrorStream(true)
                .start();
        final NodeProcess started = new NodeProcess(process);
        final CountDownLatch listening = new CountDownLatch(1);
        Threads.start("test-output", () -> started.read(listening));
        if (!listening.await(60, TimeUnit.SECONDS)) {
            started.close();
            throw new AssertionError("client " + node + " does not listen");
        }
        return started;
    }

    private void read(final CountDownLatch listening) {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.equals("listening")) {
                    listening.countDown();
                } else if (line.equals("moved")) {
                    moved.countDown();
                }
            }
        } catch (final IOException e) {
            return; // it was killed
        }
    }

    void awaitData() throws Exception {
        if (!moved.await(60, TimeUnit.SECONDS)) {
            throw new AssertionError("no data came");
        }
    }

    void signal(final String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    public static void main(final String[] args) throws Exception {
        final int node = Integer.parseInt(args[0]);
        final DollyOptions options = DollyOptions.builder()
                .ports(Integer.parseInt(args[1]), Integer.parseInt(args[2]))
                .bind(DollyRing.address(node))
                .environment(Map.of("MYNODENAME", "n" + node))
                .resolver(DollyRing::address)
                .pin(Path.of(args[3]).toString())
                .waits(Duration.ofSeconds(30), Duration.ofSeconds(Integer.parseInt(args[4])), Duration.ofSeconds(20))
                .listener(new DollyListener() {
                    @Override
                    public void moved(final boolean sending, final long bytes) {
                        System.out.println("moved");
                    }
                })
                .build();
        try (DollyClient client = DollyClient.open(options)) {
            System.out.println("listening");
            client.run();
        }
    }
}
