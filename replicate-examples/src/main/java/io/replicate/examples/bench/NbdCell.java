package io.replicate.examples.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One kind of load on an NBD server.
 *
 * @param name for people, and to choose it by.
 * @param minSpeedRatio that our speed must have to that of the best peer.
 * @param load that is put on it.
 */
record NbdCell(String name, double minSpeedRatio, Load load) {
    private static final double READ_1M_TARGET = 1.3;
    private static final Duration LONGEST_COPY = Duration.ofSeconds(60);

    /**
     * What a server did in one turn.
     *
     * @param units operations, or GiB.
     * @param seconds of the clock.
     * @param cpuSeconds of the server, user and system.
     */
    record Turn(double units, double seconds, double cpuSeconds) {
        double perSecond() {
            return units / seconds;
        }

        double cpuPerUnit() {
            return cpuSeconds / units;
        }
    }

    /** Puts load on a server. */
    interface Load {
        Turn on(NbdPeer peer) throws IOException, InterruptedException;
    }

    /** Returns fio's cells, each of {@code seconds}. */
    static List<NbdCell> fio(final Path work, final long bytes, final int seconds) {
        final List<NbdCell> cells = new ArrayList<>();
        for (final int depth : new int[] {1, 32}) {
            cells.add(fio(work, bytes, seconds, "randread", "4k", depth));
            cells.add(fio(work, bytes, seconds, "randwrite", "4k", depth));
            for (final String size : List.of("128k", "1M")) {
                cells.add(fio(work, bytes, seconds, "read", size, depth));
                cells.add(fio(work, bytes, seconds, "write", size, depth));
            }
        }
        return cells;
    }

    private static NbdCell fio(
            final Path work,
            final long bytes,
            final int seconds,
            final String mode,
            final String blockSize,
            final int depth) {
        final boolean largeRead = "read".equals(mode) && "1M".equals(blockSize);
        return new NbdCell(mode + " " + blockSize + " depth " + depth, largeRead ? READ_1M_TARGET : 1, peer -> {
            final double before = peer.cpuSeconds();
            final String json = Bounded.output(
                    work,
                    Duration.ofSeconds(seconds + 20L),
                    List.of(
                            "fio",
                            "--name=bench",
                            "--ioengine=nbd",
                            "--uri=" + peer.uri(),
                            "--rw=" + mode,
                            "--bs=" + blockSize,
                            "--iodepth=" + depth,
                            "--size=" + bytes,
                            "--runtime=" + seconds,
                            "--time_based",
                            "--output-format=json"));
            final JsonNode job = new ObjectMapper()
                    .readTree(json.substring(json.indexOf('{')))
                    .path("jobs")
                    .path(0)
                    .path(mode.contains("read") ? "read" : "write");
            return new Turn(
                    Math.max(1, job.path("total_ios").asDouble()),
                    job.path("runtime").asDouble() / 1e3,
                    settledCpuSeconds(peer) - before);
        });
    }

    /** Returns the cell of a whole copy into nothing, over nbdcopy's four connections. */
    static NbdCell copyToNull(final Path work, final long bytes) {
        return new NbdCell("nbdcopy to null", 1, peer -> copy(work, bytes, peer, "null:"));
    }

    /** Returns the cell of a whole copy to a second server of the same kind; the processor time of both counts. */
    static NbdCell copyBetween(final Path work, final long bytes, final List<NbdPeer> targets) {
        return new NbdCell("nbdcopy between two servers", 1, peer -> {
            final NbdPeer target = targets.stream()
                    .filter(t -> t.name().equals(peer.name()))
                    .findFirst()
                    .orElseThrow();
            final double before = target.cpuSeconds();
            final Turn turn = copy(work, bytes, peer, target.uri());
            return new Turn(turn.units(), turn.seconds(), turn.cpuSeconds() + settledCpuSeconds(target) - before);
        });
    }

    private static Turn copy(final Path work, final long bytes, final NbdPeer peer, final String to)
            throws IOException, InterruptedException {
        final double before = peer.cpuSeconds();
        final long beginNs = System.nanoTime();
        Bounded.output(work, LONGEST_COPY, List.of("nbdcopy", peer.uri(), to));
        final double seconds = (System.nanoTime() - beginNs) / 1e9;
        return new Turn(bytes / (double) (1 << 30), seconds, settledCpuSeconds(peer) - before);
    }

    /** Children that served a client count when their server has waited for them. */
    private static double settledCpuSeconds(final NbdPeer peer) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(100);
        return peer.cpuSeconds();
    }
}
