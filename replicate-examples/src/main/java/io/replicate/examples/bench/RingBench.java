package io.replicate.examples.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Compares the ring with the best that a relay in C can do here, and with udpcast. */
public final class RingBench {
    private static final int NODES = 3;
    private static final long CAP = 20L << 20;
    private static final int MANY = 16;

    private static final String COPY = "C relay, copy";
    private static final String TEE = "C relay, tee";
    private static final String PLAIN = "ours, no verification";
    private static final String VERIFIED = "ours, verified";
    private static final String CLASSIC = "ours, dolly classic";
    private static final String MODERN = "ours, dolly modern";
    private static final String UDPCAST = "udpcast --full-duplex";

    /** What can be measured for itself. */
    public enum Part {
        /** The own ring beside relays in C, and udpcast. */
        RING,
        /** The two dialects of dolly beside the relays. */
        DOLLY,
        /** One node and sixteen over capped links. */
        SCALE
    }

    private final PrintWriter out;
    private final Set<Part> parts;
    private final long bytes;
    private final long cappedBytes;
    private final int rounds;
    private final Verdicts verdicts;

    /**
     * Creates a benchmark.
     *
     * @param parts that are wanted.
     * @param bytes of the file that is cloned.
     * @param cappedBytes of the file that is cloned over capped links.
     * @param rounds of all contestants in turn.
     */
    public RingBench(
            final PrintWriter out, final Set<Part> parts, final long bytes, final long cappedBytes, final int rounds) {
        this.out = out;
        this.parts = Set.copyOf(parts);
        this.bytes = bytes;
        this.cappedBytes = cappedBytes;
        this.rounds = rounds;
        this.verdicts = new Verdicts(out);
    }

    /** Runs everything in a directory, best one in memory; returns the targets that were missed. */
    public List<String> run(final Path directory) throws IOException, InterruptedException {
        final Path source = directory.resolve("source");
        final Path quarter = directory.resolve("quarter");
        final Path lessCopies =
                Files.createDirectories(directory.resolve("quarter-copies")); // the others stay till then
        RandomFile.write(source, bytes);
        RandomFile.write(quarter, bytes / 4);
        try (Hosts hosts = Hosts.make(NODES + 1)) {
            final RingContest ring = new RingContest(hosts, NODES, source, directory);
            final RingContest less = new RingContest(hosts, NODES, quarter, lessCopies);
            final Path relay = compileRelay(directory);
            if (parts.contains(Part.RING)) {
                compare(ring, less, relay);
            }
            if (parts.contains(Part.DOLLY)) {
                dialects(ring, less, relay);
            }
        }
        if (!parts.contains(Part.SCALE)) {
            return verdicts.missed();
        }
        RandomFile.write(source, cappedBytes);
        try (Hosts hosts = Hosts.make(MANY + 1)) {
            hosts.cap(CAP);
            scale(new RingContest(hosts, 1, source, directory), new RingContest(hosts, MANY, source, directory));
        }
        return verdicts.missed();
    }

    private void compare(final RingContest ring, final RingContest less, final Path relay)
            throws IOException, InterruptedException {
        out.printf(
                "%d MiB to %d receivers; processor time is that of a node in the middle, for each GiB after its"
                        + " start%n%n",
                bytes >> 20, NODES);
        final Interleaved contest = new Interleaved(out, bytes)
                .add(COPY, ring.relay(relay, "copy"), less.relay(relay, "copy"))
                .add(TEE, ring.relay(relay, "tee"), less.relay(relay, "tee"))
                .add(PLAIN, ring.ours("--verify", "none"), less.ours("--verify", "none"))
                .add(VERIFIED, ring.ours("--verify", "stream"), less.ours("--verify", "stream"))
                .add(UDPCAST, ring.udpcast());
        contest.run(rounds);
        contest.table();
        final String best = contest.fastest(COPY, TEE);
        verdicts.atLeast("speed to udpcast, which does not verify either", contest.timeRatio(UDPCAST, PLAIN), 6);
        out.printf("%-56s %6.2f%n", "speed to udpcast, verified", contest.timeRatio(UDPCAST, VERIFIED));
        verdicts.atLeast("speed to '" + best + "', no verification", contest.timeRatio(best, PLAIN), 0.8);
        verdicts.atLeast("speed to '" + best + "', verified", contest.timeRatio(best, VERIFIED), 0.7);
        verdicts.atMost(
                "CPU of a middle node after its start to '" + best + "'",
                contest.cpuSecondsPerFurtherGib(PLAIN) / contest.cpuSecondsPerFurtherGib(best),
                1.3);
        verdicts.atMost(
                "CPU s for each further GiB more with verification",
                contest.cpuSecondsPerFurtherGib(VERIFIED) - contest.cpuSecondsPerFurtherGib(PLAIN),
                0.2);
    }

    /** The dialects of dolly, which verify whenever all nodes are ours. */
    private void dialects(final RingContest ring, final RingContest less, final Path relay)
            throws IOException, InterruptedException {
        out.printf("%n%d MiB to %d receivers by dolly's command%n%n", bytes >> 20, NODES);
        final Interleaved contest = new Interleaved(out, bytes)
                .add(COPY, ring.relay(relay, "copy"), less.relay(relay, "copy"))
                .add(TEE, ring.relay(relay, "tee"), less.relay(relay, "tee"))
                .add(CLASSIC, ring.dolly("classic"), less.dolly("classic"))
                .add(MODERN, ring.dolly("modern"), less.dolly("modern"));
        contest.run(rounds);
        contest.table();
        final String best = contest.fastest(COPY, TEE);
        for (final String ours : List.of(CLASSIC, MODERN)) {
            verdicts.atLeast("speed to '" + best + "', " + ours, contest.timeRatio(best, ours), 0.8);
            verdicts.atMost(
                    "CPU of a middle node after its start, " + ours,
                    contest.cpuSecondsPerFurtherGib(ours) / contest.cpuSecondsPerFurtherGib(best),
                    1.3);
        }
    }

    private void scale(final RingContest toOne, final RingContest toMany) throws IOException, InterruptedException {
        final String one = "ours, to 1 node";
        final String many = "ours, to " + MANY + " nodes";
        out.printf("%nlinks capped at %d MiB/s, %d MiB%n%n", CAP >> 20, cappedBytes >> 20);
        final Interleaved contest = new Interleaved(out, cappedBytes)
                .add(one, toOne.ours("--verify", "stream"))
                .add(many, toMany.ours("--verify", "stream"));
        contest.run(rounds);
        contest.table();
        verdicts.atMost("time to " + MANY + " nodes to the time to one", contest.timeRatio(many, one), 1.15);
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
}
