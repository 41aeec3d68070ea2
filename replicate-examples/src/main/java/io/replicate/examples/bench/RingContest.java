package io.replicate.examples.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One way to bring a file from host 0 to the hosts 1 to n. */
interface RingContest {
    /** Receivers meet the sender here; the default of udpcast, all hosts, is lost on a fresh virtual switch. */
    String RENDEZVOUS = "234.5.6.7";

    /** How a run went: seconds for all nodes, and processor seconds of a node in the middle after it was ready. */
    record Run(double seconds, double middleCpuSeconds) {}

    String name();

    Run run(Hosts hosts, int nodes, Path source, Path directory) throws IOException, InterruptedException;

    /** The relay in C. */
    static RingContest relay(final Path binary, final String mode) {
        return new RingContest() {
            @Override
            public String name() {
                return "C relay, " + mode;
            }

            @Override
            public Run run(final Hosts hosts, final int nodes, final Path source, final Path directory)
                    throws IOException, InterruptedException {
                return chain(
                        nodes,
                        node -> {
                            final boolean last = node == nodes;
                            return Program.start(
                                    hosts.on(
                                            node,
                                            List.of(
                                                    binary.toString(),
                                                    mode,
                                                    "7000",
                                                    last ? "0.0.0.0" : hosts.address(node + 1),
                                                    last ? "0" : "7000",
                                                    target(directory, node))),
                                    "ready");
                        },
                        () -> Double.parseDouble(output(Program.start(
                                hosts.on(
                                        0,
                                        List.of(
                                                binary.toString(),
                                                mode,
                                                "0",
                                                hosts.address(1),
                                                "7000",
                                                source.toString())),
                                "-"))));
            }
        };
    }

    /** Ours. */
    static RingContest ring(final String name, final List<String> java, final String... options) {
        return new RingContest() {
            private static final Pattern SECONDS = Pattern.compile("cloned .* in ([0-9.]+) s");

            @Override
            public String name() {
                return name;
            }

            @Override
            public Run run(final Hosts hosts, final int nodes, final Path source, final Path directory)
                    throws IOException, InterruptedException {
                return chain(
                        nodes,
                        node -> {
                            final List<String> join = new ArrayList<>(java);
                            join.addAll(
                                    List.of("ring", "join", "--insecure", "--listen", hosts.address(node) + ":9990"));
                            join.add(target(directory, node));
                            return Program.start(hosts.on(node, join), "ring: waiting", "ring: receiving");
                        },
                        () -> {
                            final List<String> serve = new ArrayList<>(java);
                            serve.addAll(List.of("ring", "serve", "--insecure", "--max-wait", "120"));
                            serve.addAll(List.of(options));
                            serve.add(source.toString());
                            serve.add(directory.resolve("copy-%i").toString());
                            for (int node = 1; node <= nodes; node++) {
                                serve.add(hosts.address(node));
                            }
                            final String said = output(Program.start(hosts.on(0, serve), "-"));
                            final Matcher matcher = SECONDS.matcher(said);
                            if (!matcher.find()) {
                                throw new IOException("no result in: " + said);
                            }
                            return Double.parseDouble(matcher.group(1));
                        });
            }
        };
    }

    /** udpcast over multicast. */
    static RingContest udpcast() {
        return new RingContest() {
            @Override
            public String name() {
                return "udpcast --full-duplex";
            }

            @Override
            public Run run(final Hosts hosts, final int nodes, final Path source, final Path directory)
                    throws IOException, InterruptedException {
                return chain(
                        nodes,
                        node -> Program.start(
                                hosts.on(
                                        node,
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
                                                target(directory, node))),
                                "Udp-receiver"),
                        () -> {
                            final long begin = System.nanoTime();
                            output(Program.start(
                                    hosts.on(
                                            0,
                                            List.of(
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
                                                    source.toString())),
                                    "-"));
                            return (System.nanoTime() - begin) / 1e9;
                        });
            }
        };
    }

    /** Starts a node. */
    interface NodeStarter {
        Program start(int node) throws IOException;
    }

    /** Runs the source and returns the seconds it took. */
    interface SourceRunner {
        double run() throws IOException, InterruptedException;
    }

    private static Run chain(final int nodes, final NodeStarter starter, final SourceRunner source)
            throws IOException, InterruptedException {
        final List<Program> programs = new ArrayList<>();
        try {
            for (int node = nodes; node >= 1; node--) {
                programs.add(starter.start(node));
            }
            for (final Program program : programs) {
                program.awaitReady();
            }
            final double seconds = source.run();
            for (final Program program : programs) {
                program.await();
            }
            return new Run(seconds, programs.get(nodes / 2).cpuSeconds());
        } finally {
            programs.forEach(Program::close);
        }
    }

    private static String output(final Program program) throws IOException, InterruptedException {
        try (program) {
            return program.await();
        }
    }

    private static String target(final Path directory, final int node) throws IOException {
        final Path target = directory.resolve("copy-" + node);
        Files.deleteIfExists(target);
        return target.toString();
    }
}
