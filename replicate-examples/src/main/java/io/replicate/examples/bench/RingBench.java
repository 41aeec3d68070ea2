package io.replicate.examples.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Compares the ring with the best that a relay in C can do here, and with udpcast. */
public final class RingBench {
    private static final int NODES = 3;
    private static final long CAP = 20L << 20;
    private static final int MANY = 16;

    private final PrintWriter out;
    private final long bytes;
    private final long cappedBytes;
    private final int rounds;
    private final List<String> java;
    private final List<String> missed = new ArrayList<>();

    /**
     * Creates a benchmark.
     *
     * @param bytes of the file that is cloned.
     * @param cappedBytes of the file that is cloned over capped links.
     * @param rounds of all contestants in turn.
     */
    public RingBench(final PrintWriter out, final long bytes, final long cappedBytes, final int rounds) {
        this.out = out;
        this.bytes = bytes;
        this.cappedBytes = cappedBytes;
        this.rounds = rounds;
        this.java = javaCommand();
    }

    /** Returns the command of this very program, with its archive of classes and the memory of a small node. */
    private static List<String> javaCommand() {
        final List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("-XX:SharedArchiveFile"))
                .forEach(command::add);
        command.addAll(List.of(
                "-Xshare:auto",
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-XX:MaxDirectMemorySize=64m",
                "-cp",
                System.getProperty("java.class.path"),
                "io.replicate.examples.cli.Main"));
        return List.copyOf(command);
    }

    /** Runs everything in a directory, best one in memory; returns the targets that were missed. */
    public List<String> run(final Path directory) throws IOException, InterruptedException {
        final Path source = directory.resolve("source");
        fill(source, bytes);
        try (Hosts hosts = Hosts.make(NODES + 1)) {
            compare(hosts, source, directory);
        }
        fill(source, cappedBytes);
        try (Hosts hosts = Hosts.make(MANY + 1)) {
            hosts.cap(CAP);
            scale(hosts, source, directory);
        }
        return missed;
    }

    private void compare(final Hosts hosts, final Path source, final Path directory)
            throws IOException, InterruptedException {
        final Path binary = compileRelay(directory);
        final List<RingContest> contests = List.of(
                RingContest.relay(binary, "copy"),
                RingContest.relay(binary, "tee"),
                RingContest.ring("ours, no verification", java, "--verify", "none"),
                RingContest.ring("ours, verified", java, "--verify", "stream"),
                RingContest.udpcast());
        final Map<String, List<RingContest.Run>> runs = new LinkedHashMap<>();
        for (int round = 1; round <= rounds; round++) {
            for (final RingContest contest : contests) {
                final RingContest.Run run = contest.run(hosts, NODES, source, directory);
                runs.computeIfAbsent(contest.name(), name -> new ArrayList<>()).add(run);
                out.printf("  round %d: %-24s %8.1f MB/s%n", round, contest.name(), bytes / 1e6 / run.seconds());
                out.flush();
            }
        }
        out.printf("%n%d receivers, %d MiB, medians of %d interleaved rounds:%n", NODES, bytes >> 20, rounds);
        out.printf("%-24s  %12s  %22s%n", "", "MB/s a node", "CPU s/GiB, middle node");
        runs.forEach((name, list) -> out.printf("%-24s  %12.1f  %22.2f%n", name, rate(list), cpu(list)));
        final List<RingContest.Run> copy = runs.getOrDefault("C relay, copy", List.of());
        final List<RingContest.Run> tee = runs.getOrDefault("C relay, tee", List.of());
        final List<RingContest.Run> relay = rate(copy) > rate(tee) ? copy : tee;
        final List<RingContest.Run> plain = runs.getOrDefault("ours, no verification", List.of());
        final List<RingContest.Run> verified = runs.getOrDefault("ours, verified", List.of());
        final List<RingContest.Run> udpcast = runs.getOrDefault("udpcast --full-duplex", List.of());
        out.println();
        atLeast("speed to udpcast, which does not verify either", rate(plain) / rate(udpcast), 6);
        out.printf("%-56s %6.2f%n", "speed to udpcast, verified", rate(verified) / rate(udpcast));
        atLeast("speed to the better C relay, no verification", rate(plain) / rate(relay), 0.8);
        atLeast("speed to the better C relay, verified", rate(verified) / rate(relay), 0.7);
        atMost("CPU of a middle node to that relay's, no verification", cpu(plain) / cpu(relay), 1.3);
        atMost("CPU s/GiB more with verification", cpu(verified) - cpu(plain), 0.2);
    }

    private void scale(final Hosts hosts, final Path source, final Path directory)
            throws IOException, InterruptedException {
        final RingContest ring = RingContest.ring("ours, verified", java, "--verify", "stream");
        final List<RingContest.Run> one = new ArrayList<>();
        final List<RingContest.Run> many = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            one.add(ring.run(hosts, 1, source, directory));
            many.add(ring.run(hosts, MANY, source, directory));
        }
        out.printf(
                "%nlinks capped at %d MiB/s, %d MiB: %.1f s to 1 node, %.1f s to %d nodes%n",
                CAP >> 20, cappedBytes >> 20, seconds(one), seconds(many), MANY);
        atMost("time to " + MANY + " nodes to the time to one", seconds(many) / seconds(one), 1.15);
    }

    private double rate(final List<RingContest.Run> runs) {
        return bytes / 1e6 / seconds(runs);
    }

    private static double seconds(final List<RingContest.Run> runs) {
        return Medians.of(runs.stream().mapToDouble(RingContest.Run::seconds).toArray());
    }

    private double cpu(final List<RingContest.Run> runs) {
        return Medians.of(runs.stream()
                        .mapToDouble(RingContest.Run::middleCpuSeconds)
                        .toArray())
                / (bytes / (double) (1 << 30));
    }

    private void atLeast(final String what, final double value, final double target) {
        verdict(what, value, ">=", target, value >= target);
    }

    private void atMost(final String what, final double value, final double target) {
        verdict(what, value, "<=", target, value <= target);
    }

    private void verdict(
            final String what, final double value, final String sign, final double target, final boolean met) {
        final String line =
                String.format("%-56s %6.2f  (target %s %.2f) %s", what, value, sign, target, met ? "ok" : "MISSED");
        out.println(line);
        out.flush();
        if (!met) {
            missed.add(what);
        }
    }

    private static Path compileRelay(final Path directory) throws IOException, InterruptedException {
        final Path source = directory.resolve("relay.c");
        try (InputStream in = RingBench.class.getResourceAsStream("relay.c")) {
            if (in == null) {
                throw new IOException("relay.c is not among the resources");
            }
            Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
        }
        final Path binary = directory.resolve("relay");
        final Process gcc = new ProcessBuilder("gcc", "-O2", "-w", "-o", binary.toString(), source.toString())
                .inheritIO()
                .start();
        if (!gcc.waitFor(60, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
            throw new IOException("gcc could not compile " + source);
        }
        return binary;
    }

    private static void fill(final Path path, final long length) throws IOException {
        final byte[] chunk = new byte[1 << 20];
        final Random random = new Random(1);
        try (OutputStream file = Files.newOutputStream(path)) {
            for (long done = 0; done < length; done += chunk.length) {
                random.nextBytes(chunk);
                file.write(chunk, 0, (int) Math.min(chunk.length, length - done));
            }
        }
    }
}
