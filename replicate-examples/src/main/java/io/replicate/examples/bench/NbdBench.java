package io.replicate.examples.bench;

import io.replicate.examples.bench.NbdCell.Turn;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Compares our NBD server with nbdkit, qemu-nbd and nbd-server: fio's nbd engine over one TCP connection, and nbdcopy
 * with its four. All servers run all the time and take turns within each cell, as the machine's speed changes; medians
 * are compared.
 */
public final class NbdBench {
    private static final int MIB = 1 << 20;
    private static final double CPU_TARGET = 1;
    private static final int WARM_UP_SECONDS = 2;

    private final PrintWriter out;
    private final long bytes;
    private final int seconds;
    private final int rounds;
    private final List<String> chosen;

    /**
     * Creates a benchmark.
     *
     * @param bytes of the exported files.
     * @param seconds of each turn of fio.
     * @param rounds of all servers in each cell.
     * @param chosen parts of the names of the cells to run; empty for all.
     */
    public NbdBench(
            final PrintWriter out, final long bytes, final int seconds, final int rounds, final List<String> chosen) {
        this.out = out;
        this.bytes = bytes;
        this.seconds = seconds;
        this.rounds = rounds;
        this.chosen = List.copyOf(chosen);
    }

    /** Runs the cells with files in a directory; returns the targets that were missed. */
    public List<String> run(final Path directory) throws IOException, InterruptedException {
        final Verdicts verdicts = new Verdicts(out);
        final List<NbdPeer> peers = new ArrayList<>();
        final List<NbdPeer> targets = new ArrayList<>();
        try {
            startAll(peers, directory, "");
            final List<NbdCell> cells = new ArrayList<>(NbdCell.fio(directory, bytes, seconds));
            cells.add(NbdCell.copyToNull(directory, bytes));
            cells.add(NbdCell.copyBetween(directory, bytes, targets));
            cells.removeIf(cell -> !isChosen(cell));
            if (cells.stream().anyMatch(cell -> cell.name().contains("between"))) {
                startAll(targets, directory, "-target");
            }
            out.printf("%d MiB in %s, turns of %d s, %d rounds, medians%n", bytes / MIB, directory, seconds, rounds);
            out.flush();
            warmUp(directory, peers.get(0));
            for (final NbdCell cell : cells) {
                compare(directory.getParent() + ": " + cell.name(), cell, peers, verdicts);
            }
        } finally {
            for (final NbdPeer peer : peers) {
                peer.close();
            }
            for (final NbdPeer target : targets) {
                target.close();
            }
        }
        return verdicts.missed();
    }

    /** Long loads have too few operations for the compiler to see them soon: small ones at depth 32 come first. */
    private void warmUp(final Path directory, final NbdPeer ours) throws IOException, InterruptedException {
        for (final NbdCell cell : NbdCell.fio(directory, bytes, WARM_UP_SECONDS)) {
            if (cell.name().endsWith("depth 32")) {
                cell.load().on(ours);
            }
        }
    }

    private boolean isChosen(final NbdCell cell) {
        return chosen.isEmpty() || chosen.stream().anyMatch(cell.name()::contains);
    }

    private void startAll(final List<NbdPeer> peers, final Path directory, final String suffix)
            throws IOException, InterruptedException {
        peers.add(NbdPeer.ours(file(directory, "ours" + suffix)));
        peers.add(NbdPeer.nbdkit(file(directory, "nbdkit" + suffix)));
        peers.add(NbdPeer.qemu(file(directory, "qemu" + suffix)));
        peers.add(NbdPeer.nbdServer(file(directory, "nbd-server" + suffix)));
    }

    /** One turn of each warms up, ours another: its code is compiled while it runs. Then they alternate. */
    private void compare(final String what, final NbdCell cell, final List<NbdPeer> peers, final Verdicts verdicts)
            throws IOException, InterruptedException {
        cell.load().on(peers.get(0));
        for (final NbdPeer peer : peers) {
            cell.load().on(peer);
        }
        final double[][] speed = new double[peers.size()][rounds];
        final double[][] cpu = new double[peers.size()][rounds];
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < speed.length; i++) {
                final Turn turn = cell.load().on(peers.get(i));
                speed[i][round] = turn.perSecond();
                cpu[i][round] = turn.cpuPerUnit();
            }
        }
        out.printf("%n%s:%n", what);
        double bestSpeed = 0;
        double leastCpu = Double.MAX_VALUE;
        for (int i = 0; i < speed.length; i++) {
            final double rate = Medians.of(speed[i]);
            final double cost = Medians.of(cpu[i]);
            out.printf(
                    "  %-12s %12.2f/s  server cpu %12.2f us each%n",
                    peers.get(i).name(), rate, cost * 1e6);
            if (i > 0) {
                bestSpeed = Math.max(bestSpeed, rate);
                leastCpu = Math.min(leastCpu, cost);
            }
        }
        verdicts.atLeast("speed to the best peer, " + what, Medians.of(speed[0]) / bestSpeed, cell.minSpeedRatio());
        verdicts.atMost("cpu to the best peer, " + what, Medians.of(cpu[0]) / leastCpu, CPU_TARGET);
    }

    private Path file(final Path directory, final String name) throws IOException {
        final Path path = directory.resolve(name + ".img");
        final byte[] chunk = new byte[MIB];
        new Random(1).nextBytes(chunk);
        try (OutputStream to = Files.newOutputStream(path)) {
            for (long done = 0; done < bytes; done += chunk.length) {
                to.write(chunk);
            }
        }
        return path;
    }
}
