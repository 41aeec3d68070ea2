package io.replicate.examples.bench;

import com.sun.management.OperatingSystemMXBean;
import io.replicate.cas.copy.CasCopy;
import io.replicate.cas.copy.CopyListener;
import io.replicate.cas.copy.CopyOptions;
import io.replicate.cas.copy.CopySummary;
import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.ServiceList;
import io.replicate.core.spi.Cancellation;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Measures the copy of a content-addressed store, against what it promises. The stores run in processes of their own. */
public final class CasBench {
    private static final String TOKEN = "token0of0the0peers";
    private static final int SOURCES = 3;
    private static final int TARGETS = 4;
    private static final int COPIES = 2;
    private static final int WORKERS = 16;
    private static final int SMALL_BYTES = 64 << 10;
    private static final double NS = 1e9;
    private static final double MAX_RATIO = 0.2;
    private static final double MAX_ROUND_TRIPS = 3.3;
    private static final double MAX_CPU_RATIO = 1.3;
    private static final long ONE_WAY_MS = 5;
    private static final double MS = 1e3;
    private static final double MAX_IDLE_SECONDS = 2.0;
    private static final long CHILD_SECONDS = 120;

    private final PrintWriter out;
    private final int smallBlocks;
    private final long largeBytes;
    private final int rounds;
    private final Verdicts verdicts;

    /**
     * Prepares a measurement.
     *
     * @param smallBlocks of 64 KiB that are copied over the slow network.
     * @param largeBytes in blocks of 4 MiB, and again of 64 MiB, that are copied for the processor time.
     * @param rounds of which the median counts.
     */
    public CasBench(final PrintWriter out, final int smallBlocks, final long largeBytes, final int rounds) {
        this.out = out;
        this.smallBlocks = smallBlocks;
        this.largeBytes = largeBytes;
        this.rounds = rounds;
        this.verdicts = new Verdicts(out);
    }

    /** Measures, with files of its own in a directory, and returns which targets were missed. */
    public List<String> run(final Path work) throws IOException, InterruptedException {
        latency();
        processorTime(4 << 20);
        processorTime(64 << 20);
        nothingToDo(work);
        memory(work);
        return verdicts.missed();
    }

    private static String format(final String pattern, final Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private static CopySummary copy(final String from, final String to, final int workers) throws IOException {
        try (KeepStore source = store("src", from);
                KeepStore target = store("dst", to)) {
            final CopySummary summary = new CasCopy(
                            source,
                            target,
                            new CopyOptions().workers(workers),
                            CopyListener.NONE,
                            snapshot -> {},
                            new Cancellation())
                    .run();
            if (summary.failedCount() > 0) {
                throw new IOException("blocks failed: " + summary.failed().get(0));
            }
            return summary;
        }
    }

    private static KeepStore store(final String name, final String services) throws IOException {
        return new KeepStore(
                new KeepConfig(name).systemToken(TOKEN).replication(COPIES).services(ServiceList.parseJson(services)),
                new Cancellation());
    }

    /** Compares one worker with many, over a network with a round trip of 10 ms. */
    private void latency() throws IOException {
        out.println(format(
                "%d blocks of 64 KiB, %d stores to %d, %d copies, round trip 10 ms, seconds",
                smallBlocks, SOURCES, TARGETS, COPIES));
        final double[] one = new double[rounds];
        final double[] many = new double[rounds];
        final double[] ratios = new double[rounds];
        try (CasPeers peers = CasPeers.bare(SMALL_BYTES, smallBlocks, SOURCES, TARGETS, ONE_WAY_MS)) {
            final String[] greeting = peers.greeting().split("\t");
            // Starting up is not what is measured.
            timed(greeting, WORKERS);
            for (int round = 0; round < rounds; round++) {
                one[round] = timed(greeting, 1);
                many[round] = timed(greeting, WORKERS);
                ratios[round] = many[round] / one[round];
                out.println(format(
                        "  round %d: 1 worker %.1f, %d workers %.1f", round + 1, one[round], WORKERS, many[round]));
                out.flush();
            }
        }
        verdicts.atMost("time of 16 workers to that of one", Medians.of(ratios), MAX_RATIO);
        verdicts.atMost(
                "round trips per block, one worker",
                Medians.of(one) / smallBlocks * MS / (2 * ONE_WAY_MS),
                MAX_ROUND_TRIPS);
    }

    private static double timed(final String[] greeting, final int workers) throws IOException {
        final long startNs = System.nanoTime();
        copy(greeting[0], greeting[1], workers);
        return (System.nanoTime() - startNs) / NS;
    }

    private static long cpuNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Compares the copier with a bare relay, in this process, beside peers that do as little as can be for both. */
    private void processorTime(final int bytes) throws IOException {
        final int blocks = (int) (largeBytes / bytes);
        out.println(format("%d blocks of %d MiB, %d copies: processor seconds per GiB", blocks, bytes >> 20, COPIES));
        final double[] ours = new double[rounds];
        final double[] bare = new double[rounds];
        final double[] ratios = new double[rounds];
        final double gib = (double) bytes * blocks / (1 << 30);
        try (CasPeers peers = CasPeers.bare(bytes, blocks, 1, COPIES, 0)) {
            final String[] greeting = peers.greeting().split("\t");
            // The first round does not count: it warms up.
            for (int round = -1; round < rounds; round++) {
                long startNs = cpuNs();
                BareRelay.run(greeting[2], bytes, blocks, COPIES);
                final double relay = (cpuNs() - startNs) / NS / gib;
                startNs = cpuNs();
                copy(greeting[0], greeting[1], WORKERS);
                final double copier = (cpuNs() - startNs) / NS / gib;
                if (round >= 0) {
                    ours[round] = copier;
                    bare[round] = relay;
                    ratios[round] = copier / relay;
                    out.println(format("  round %d: copier %.2f, bare relay %.2f", round + 1, copier, relay));
                    out.flush();
                }
            }
        }
        out.println(format("  medians: copier %.2f, bare relay %.2f", Medians.of(ours), Medians.of(bare)));
        verdicts.atMost(
                format("processor time to that of a bare relay, %d MiB", bytes >> 20),
                Medians.of(ratios),
                MAX_CPU_RATIO);
    }

    private void nothingToDo(final Path work) throws IOException, InterruptedException {
        out.println("nothing to do on 200 000 blocks a side, -Xmx64m, a process of its own, seconds");
        final double[] seconds = new double[rounds];
        try (CasPeers lines = CasPeers.lines(200_000)) {
            for (int round = -1; round < rounds; round++) {
                final double took = child("64m", work, lines.greeting(), lines.greeting());
                if (round >= 0) {
                    seconds[round] = took;
                    out.println(format("  round %d: %.2f", round + 1, took));
                    out.flush();
                }
            }
        }
        verdicts.atMost("seconds with nothing to do", Medians.of(seconds), MAX_IDLE_SECONDS);
    }

    private void memory(final Path work) throws IOException, InterruptedException {
        out.println("memory: fails where -Xmx256m is not enough; seconds");
        try (CasPeers lines = CasPeers.lines(2_000_000)) {
            verdicts.atMost(
                    "2 million lines a side", child("256m", work, lines.greeting(), lines.greeting()), CHILD_SECONDS);
        }
        final int blocks = 20;
        try (CasPeers peers = CasPeers.bare(64 << 20, blocks, 1, COPIES, 0)) {
            final String[] greeting = peers.greeting().split("\t");
            verdicts.atMost(
                    "20 blocks of 64 MiB, 16 workers", child("256m", work, greeting[0], greeting[1]), CHILD_SECONDS);
        }
    }

    /** Runs keep-rsync with so much heap, and returns the seconds that it took; infinite when it failed. */
    private double child(final String heap, final Path work, final String from, final String to)
            throws IOException, InterruptedException {
        final Path settings = work.resolve("bench.conf");
        Files.writeString(settings, "ARVADOS_API_TOKEN=" + TOKEN + "\n");
        final long startNs = System.nanoTime();
        final List<String> command = OurProgram.command("-Xmx" + heap);
        command.addAll(List.of(
                "keep-rsync",
                "-src",
                settings.toString(),
                "-dst",
                settings.toString(),
                "-replications",
                Integer.toString(COPIES),
                "-src-keep-services-json",
                from,
                "-dst-keep-services-json",
                to,
                "--quiet"));
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("child.log").toFile())
                .start();
        final boolean ended = process.waitFor(CHILD_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        final double seconds = (System.nanoTime() - startNs) / NS;
        if (!ended || process.exitValue() != 0) {
            out.println(Files.readString(work.resolve("child.log")));
            return Double.POSITIVE_INFINITY;
        }
        return seconds;
    }
}
