package io.replicate.examples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Compares our NBD server with nbdkit, qemu-nbd and nbd-server: fio's nbd engine over one TCP connection, and nbdcopy
 * with its four. All servers run all the time and take turns within each cell, as the machine's speed changes.
 */
public final class NbdBench {
    private static final double READ_1M_TARGET = 1.3;

    /** What fio does in a cell. */
    private record Cell(String rw, String blockSize, int depth) {
        boolean isRead() {
            return rw.contains("read");
        }

        boolean isLargeRead() {
            return isRead() && "1M".equals(blockSize);
        }

        @Override
        public String toString() {
            return rw + " " + blockSize + " depth " + depth;
        }
    }

    /** What a server did in one turn: operations (or GiB) a second, and processor seconds for each. */
    private record Turn(double perSecond, double cpuPerUnit) {}

    private final PrintWriter out;
    private final long bytes;
    private final int seconds;
    private final int rounds;

    /**
     * Creates a benchmark.
     *
     * @param bytes of the exported files.
     * @param seconds of each turn.
     * @param rounds of all servers in each cell.
     */
    public NbdBench(final PrintWriter out, final long bytes, final int seconds, final int rounds) {
        this.out = out;
        this.bytes = bytes;
        this.seconds = seconds;
        this.rounds = rounds;
    }

    /** Runs everything with files in a directory; returns the targets that were missed. */
    public List<String> run(final Path directory) throws IOException, InterruptedException {
        final Verdicts verdicts = new Verdicts(out);
        final List<NbdPeer> peers = new ArrayList<>();
        try {
            peers.add(NbdPeer.ours(file(directory, "ours")));
            peers.add(NbdPeer.nbdkit(file(directory, "nbdkit")));
            peers.add(NbdPeer.qemu(file(directory, "qemu")));
            peers.add(NbdPeer.nbdServer(file(directory, "nbd-server")));
            out.printf(
                    "%d MiB in %s, %d s a turn, %d rounds; best of the rounds%n",
                    bytes >> 20, directory, seconds, rounds);
            for (final NbdPeer peer : peers) {
                fio(peer, new Cell("randread", "4k", 32), 2 * seconds); // warm
                fio(peer, new Cell("randwrite", "4k", 32), seconds);
            }
            for (final Cell cell : cells()) {
                compare(
                        cell.toString(),
                        peers,
                        peer -> fio(peer, cell, seconds),
                        cell.isLargeRead() ? READ_1M_TARGET : 1,
                        verdicts);
            }
            compare("nbdcopy to null", peers, peer -> copy(peer, peer.uri(), "null:"), 1, verdicts);
            final List<NbdPeer> targets =
                    List.of(NbdPeer.ours(file(directory, "ours2")), NbdPeer.nbdkit(file(directory, "nbdkit2")));
            try {
                compare(
                        "nbdcopy between two servers",
                        peers.subList(0, 2),
                        peer -> copy(
                                peer,
                                peer.uri(),
                                targets.get(peers.indexOf(peer)).uri()),
                        1,
                        verdicts);
            } finally {
                for (final NbdPeer target : targets) {
                    target.close();
                }
            }
        } finally {
            for (final NbdPeer peer : peers) {
                peer.close();
            }
        }
        return verdicts.missed();
    }

    private static List<Cell> cells() {
        final List<Cell> cells = new ArrayList<>();
        for (final int depth : new int[] {1, 32}) {
            for (final String rw : List.of("randread", "randwrite")) {
                cells.add(new Cell(rw, "4k", depth));
            }
            for (final String size : List.of("128k", "1M")) {
                cells.add(new Cell("read", size, depth));
                cells.add(new Cell("write", size, depth));
            }
        }
        return cells;
    }

    private interface Measure {
        Turn of(NbdPeer peer) throws IOException, InterruptedException;
    }

    private void compare(
            final String what,
            final List<NbdPeer> peers,
            final Measure measure,
            final double target,
            final Verdicts verdicts)
            throws IOException, InterruptedException {
        final Map<NbdPeer, Turn> best = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (final NbdPeer peer : peers) {
                final Turn turn = measure.of(peer);
                best.merge(
                        peer,
                        turn,
                        (a, b) -> new Turn(
                                Math.max(a.perSecond(), b.perSecond()), Math.min(a.cpuPerUnit(), b.cpuPerUnit())));
            }
        }
        out.printf("%n%s:%n", what);
        double rate = 0;
        double cpu = Double.MAX_VALUE;
        for (final Map.Entry<NbdPeer, Turn> entry : best.entrySet()) {
            final Turn turn = entry.getValue();
            out.printf(
                    "  %-12s %12.1f/s  cpu %10.2f us each%n",
                    entry.getKey().name(), turn.perSecond(), turn.cpuPerUnit() * 1e6);
            if (!"ours".equals(entry.getKey().name())) {
                rate = Math.max(rate, turn.perSecond());
                cpu = Math.min(cpu, turn.cpuPerUnit());
            }
        }
        final Turn ours = best.get(peers.get(0));
        if (ours != null) {
            verdicts.atLeast("speed to the best peer, " + what, ours.perSecond() / rate, target);
            verdicts.atMost("cpu to the best peer, " + what, ours.cpuPerUnit() / cpu, 1);
        }
    }

    private Turn fio(final NbdPeer peer, final Cell cell, final int runSeconds)
            throws IOException, InterruptedException {
        final double before = peer.cpuSeconds();
        final String json = output(List.of(
                "fio",
                "--name=bench",
                "--ioengine=nbd",
                "--uri=" + peer.uri(),
                "--rw=" + cell.rw(),
                "--bs=" + cell.blockSize(),
                "--iodepth=" + cell.depth(),
                "--size=" + bytes,
                "--runtime=" + runSeconds,
                "--time_based",
                "--output-format=json"));
        final JsonNode job = new ObjectMapper()
                .readTree(json.substring(json.indexOf('{')))
                .path("jobs")
                .path(0)
                .path(cell.isRead() ? "read" : "write");
        TimeUnit.MILLISECONDS.sleep(200); // children that served the client are waited for by their server
        final double operations = job.path("total_ios").asDouble();
        return new Turn(job.path("iops").asDouble(), (peer.cpuSeconds() - before) / Math.max(1, operations));
    }

    private Turn copy(final NbdPeer peer, final String from, final String to) throws IOException, InterruptedException {
        final double before = peer.cpuSeconds();
        final long beginNs = System.nanoTime();
        output(List.of("nbdcopy", from, to));
        final double elapsed = (System.nanoTime() - beginNs) / 1e9;
        TimeUnit.MILLISECONDS.sleep(200);
        final double gib = bytes / (double) (1 << 30);
        return new Turn(gib / elapsed, (peer.cpuSeconds() - before) / gib);
    }

    private String output(final List<String> command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        final String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("failed: " + String.join(" ", command));
        }
        return text;
    }

    private Path file(final Path directory, final String name) throws IOException {
        final Path path = directory.resolve(name + ".img");
        final byte[] chunk = new byte[1 << 20];
        new java.util.Random(1).nextBytes(chunk);
        try (var to = Files.newOutputStream(path)) {
            for (long done = 0; done < bytes; done += chunk.length) {
                to.write(chunk);
            }
        }
        return path;
    }
}
