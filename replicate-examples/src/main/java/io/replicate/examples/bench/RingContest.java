package io.replicate.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The ways to bring a file from host 0 to the hosts 1 to n. A run's seconds are those until all nodes have it, without the
 * start of the programs; its processor time is that of a node in the middle, from when it was ready.
 *
 * @param directory where the copies go.
 */
record RingContest(Hosts hosts, int nodes, Path source, Path directory) {
    /** Receivers meet the sender here; the default of udpcast, all hosts, is lost on a fresh virtual switch. */
    private static final String RENDEZVOUS = "234.5.6.7";

    private static final Pattern SECONDS = Pattern.compile("cloned .* in ([0-9.]+) s");
    private static final Pattern DOLLY_SECONDS = Pattern.compile("(?m)^Time: ([0-9.]+)$");
    /** As the launcher has it. */
    private static final String NODE_JIT = "-XX:TieredStopAtLevel=1";

    private static final String NODE_JIT_SOON = "-XX:CompileThresholdScaling=1";
    private static final String HEAP = "-Xmx64m";
    private static final String DIRECT = "-XX:MaxDirectMemorySize=64m";

    /** The relay in C. */
    Interleaved.Contestant relay(final Path binary, final String mode) {
        return () -> chain(
                node -> {
                    final boolean last = node == nodes;
                    return start(
                            node,
                            "ready",
                            List.of(
                                    binary.toString(),
                                    mode,
                                    "7000",
                                    last ? "0.0.0.0" : hosts.address(node + 1),
                                    last ? "0" : "7000",
                                    target(node)));
                },
                () -> Double.parseDouble(
                        output(List.of(binary.toString(), mode, "0", hosts.address(1), "7000", source.toString()))));
    }

    /** Ours, with options for the server; everybody has the memory of a small machine, and a node is started as the launcher does. */
    Interleaved.Contestant ours(final String... options) {
        return () -> chain(
                node -> {
                    final List<String> join = OurProgram.command(NODE_JIT, NODE_JIT_SOON, HEAP, DIRECT);
                    join.addAll(List.of("ring", "join", "--insecure", "--listen", hosts.address(node) + ":9990"));
                    join.add(target(node));
                    return Program.start(hosts.on(node, join), "ring: waiting", "ring: receiving");
                },
                () -> {
                    final List<String> serve = OurProgram.command(HEAP, DIRECT);
                    serve.addAll(List.of("ring", "serve", "--insecure", "--max-wait", "120"));
                    serve.addAll(List.of(options));
                    serve.add(source.toString());
                    serve.add(directory.resolve("copy-%i").toString());
                    for (int node = 1; node <= nodes; node++) {
                        serve.add(hosts.address(node));
                    }
                    return seconds(SECONDS, output(serve));
                });
    }

    /** Ours in a dialect of dolly; its nodes are found in the list by their addresses. */
    Interleaved.Contestant dolly(final String dialect) {
        return () -> chain(
                node -> {
                    final List<String> join = OurProgram.command(NODE_JIT, NODE_JIT_SOON, HEAP, DIRECT);
                    join.addAll(List.of("dolly", "-v", "--target", target(node)));
                    return Program.start(hosts.on(node, join), "Accepting...control...", "Receiving...");
                },
                () -> {
                    final List<String> clients = new ArrayList<>();
                    for (int node = 1; node <= nodes; node++) {
                        clients.add(hosts.address(node));
                    }
                    final List<String> serve = OurProgram.command(NODE_JIT, NODE_JIT_SOON, HEAP, DIRECT);
                    serve.addAll(List.of("dolly", "-v", "-s", "--dialect", dialect, "-I", source.toString()));
                    serve.addAll(List.of("-O", "/copy", "-H", String.join(",", clients)));
                    return seconds(DOLLY_SECONDS, output(serve));
                });
    }

    private static double seconds(final Pattern pattern, final String said) throws IOException {
        final Matcher matcher = pattern.matcher(said);
        if (!matcher.find()) {
            throw new IOException("no result in: " + said);
        }
        return Double.parseDouble(matcher.group(1));
    }

    /** udpcast over multicast. */
    Interleaved.Contestant udpcast() {
        return () -> chain(
                node -> start(
                        node,
                        "Udp-receiver",
                        List.of(
                                "udp-receiver",
                                "--mcast-rdv-address",
                                RENDEZVOUS,
                                "--nokbd",
                                "--interface",
                                "eth0",
                                "--rcvbuf",
                                "4M",
                                "--file",
                                target(node))),
                () -> {
                    final long begin = System.nanoTime();
                    output(List.of(
                            "udp-sender",
                            "--mcast-rdv-address",
                            RENDEZVOUS,
                            "--nokbd",
                            "--interface",
                            "eth0",
                            "--full-duplex",
                            "--min-receivers",
                            Integer.toString(nodes),
                            "--file",
                            source.toString()));
                    return (System.nanoTime() - begin) / 1e9;
                });
    }

    /** Starts a node. */
    private interface NodeStarter {
        Program start(int node) throws IOException;
    }

    /** Runs the source and returns the seconds it took. */
    private interface SourceRunner {
        double run() throws IOException, InterruptedException;
    }

    private Interleaved.Run chain(final NodeStarter starter, final SourceRunner server)
            throws IOException, InterruptedException {
        final List<Program> programs = new ArrayList<>();
        try {
            for (int node = nodes; node >= 1; node--) {
                programs.add(starter.start(node));
            }
            for (final Program program : programs) {
                program.awaitReady();
            }
            dropOldCopies();
            final double seconds = server.run();
            for (final Program program : programs) {
                program.await();
            }
            return new Interleaved.Run(seconds, programs.get(nodes / 2).cpuSeconds());
        } finally {
            programs.forEach(Program::close);
        }
    }

    private Program start(final int node, final String readyText, final List<String> command) throws IOException {
        return Program.start(hosts.on(node, command), readyText);
    }

    private String output(final List<String> command) throws IOException, InterruptedException {
        try (Program program = Program.start(hosts.on(0, command), "-")) {
            return program.await();
        }
    }

    private String target(final int node) throws IOException {
        final Path target = directory.resolve("copy-" + node);
        if (Files.exists(target)) {
            Files.move(target, old(node), StandardCopyOption.REPLACE_EXISTING);
        }
        return target.toString();
    }

    private Path old(final int node) {
        return directory.resolve("old-copy-" + node);
    }

    /**
     * Frees the memory of the run before just when it is needed again. A virtual machine may give memory that was free for
     * two seconds back to its host, and gets it again slowly: who starts sooner would be lucky.
     */
    private void dropOldCopies() throws IOException {
        for (int node = 1; node <= nodes; node++) {
            Files.deleteIfExists(old(node));
        }
    }
}
