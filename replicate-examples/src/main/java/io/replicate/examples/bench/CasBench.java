package io.replicate.examples.bench;

import com.sun.management.OperatingSystemMXBean;
import io.replicate.cas.copy.CasCopy;
import io.replicate.cas.copy.CopyListener;
import io.replicate.cas.copy.CopyOptions;
import io.replicate.cas.copy.CopySummary;
import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepService;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.Rendezvous;
import io.replicate.cas.keep.ServiceList;
import io.replicate.cas.testing.Blocks;
import io.replicate.cas.testing.StoreProcess;
import io.replicate.core.spi.Cancellation;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Measures the copy of a content-addressed store, against what it promises. The stores run in processes of their own. */
public final class CasBench {
    private static final int SOURCES = 3;
    private static final int TARGETS = 4;
    private static final int COPIES = 2;
    private static final int WORKERS = 16;
    private static final int SMALL_BYTES = 64 << 10;
    private static final double NS = 1e9;
    private static final double MAX_RATIO = 0.2;
    private static final double MAX_ROUND_TRIPS = 3.3;
    private static final double MAX_CPU_RATIO = 1.3;
    private static final double ROUND_TRIP_SECONDS = 0.010;
    private static final double MAX_IDLE_SECONDS = 2.0;

    private final PrintWriter out;
    private final Consumer<Path> delete;
    private final int smallBlocks;
    private final int rounds;
    private final List<String> missed = new ArrayList<>();
    private int directories;

    /**
     * Prepares a measurement.
     *
     * @param smallBlocks of 64 KiB that are copied over the slow network.
     * @param rounds of which the median counts.
     * @param delete removes a directory.
     */
    public CasBench(final PrintWriter out, final int smallBlocks, final int rounds, final Consumer<Path> delete) {
        this.out = out;
        this.delete = delete;
        this.smallBlocks = smallBlocks;
        this.rounds = rounds;
    }

    /** Measures in a directory, which is filled, and returns which targets were missed. */
    public List<String> run(final Path work) throws IOException, InterruptedException {
        latency(work);
        processorTime(work, 4 << 20, 512);
        processorTime(work, 64 << 20, 32);
        memory(work);
        return missed;
    }

    private void require(final boolean met, final String target) {
        out.println("  " + (met ? "met:    " : "MISSED: ") + target);
        out.flush();
        if (!met) {
            missed.add(target);
        }
    }

    private static String format(final String pattern, final Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private Path fill(final Path work, final int blocks, final int bytes) throws IOException {
        final Path directory = Files.createDirectory(work.resolve("src" + directories++));
        final Random random = new Random(bytes);
        final byte[] data = new byte[bytes];
        random.nextBytes(data);
        for (int i = 0; i < blocks; i++) {
            // Another number at the front makes another block; the rest need not be made again.
            data[0] = (byte) i;
            data[1] = (byte) (i >> 8);
            data[2] = (byte) (i >> 16);
            putWhereItBelongs(directory, data);
        }
        return directory;
    }

    /** Stores a block as clients of the cluster do: so the first server that is asked has it. */
    private static void putWhereItBelongs(final Path directory, final byte[] data) {
        final List<KeepService> services = new ArrayList<>();
        for (int i = 0; i < SOURCES; i++) {
            services.add(new KeepService(StoreProcess.uuid(i), "keep" + i, "disk", false));
        }
        for (final KeepService service : Rendezvous.order(Blocks.md5(data), services, Rendezvous.Convention.GO)
                .subList(0, COPIES)) {
            new Blocks(directory.resolve(service.url())).put(data);
        }
    }

    private CopySummary copy(final CasPeers from, final CasPeers to, final int workers) throws IOException {
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

    private static KeepStore store(final String name, final CasPeers peers) throws IOException {
        return new KeepStore(
                new KeepConfig(name)
                        .systemToken(StoreProcess.TOKEN)
                        .replication(COPIES)
                        .services(ServiceList.parseJson(peers.greeting())),
                new Cancellation());
    }

    private Path emptyTarget(final Path work) throws IOException {
        return Files.createDirectory(work.resolve("dst" + directories++));
    }

    private void latency(final Path work) throws IOException {
        out.println(format(
                "%d blocks of 64 KiB, %d stores to %d, %d copies, round trip 10 ms",
                smallBlocks, SOURCES, TARGETS, COPIES));
        final Path source = fill(work, smallBlocks, SMALL_BYTES);
        final double[] one = new double[rounds];
        final double[] many = new double[rounds];
        try (CasPeers from = CasPeers.stores("B", "" + SOURCES, source.toString(), "5")) {
            warmUp(work);
            for (int round = 0; round < rounds; round++) {
                one[round] = timed(work, from, 1);
                many[round] = timed(work, from, WORKERS);
                out.println(format(
                        "  round %d: 1 worker %.1f s, %d workers %.1f s", round + 1, one[round], WORKERS, many[round]));
                out.flush();
            }
        }
        final double slow = Medians.of(one);
        final double fast = Medians.of(many);
        require(
                fast <= MAX_RATIO * slow,
                format("%d workers take at most 1/5 of the time of one: %.2f", WORKERS, fast / slow));
        final double roundTrips = slow / smallBlocks / ROUND_TRIP_SECONDS;
        require(
                roundTrips <= MAX_ROUND_TRIPS,
                format("one worker takes at most 3.3 round trips per block: %.2f", roundTrips));
    }

    private double timed(final Path work, final CasPeers from, final int workers) throws IOException {
        try (CasPeers to = CasPeers.stores("B", "" + TARGETS, emptyTarget(work).toString(), "5")) {
            final long startNs = System.nanoTime();
            copy(from, to, workers);
            return (System.nanoTime() - startNs) / NS;
        }
    }

    /** Copies until the code is compiled: starting up is not what is measured. */
    private void warmUp(final Path work) throws IOException {
        final Path source = fill(work, 400, SMALL_BYTES - 1);
        try (CasPeers from = CasPeers.stores("B", "" + SOURCES, source.toString(), "0");
                CasPeers to =
                        CasPeers.stores("B", "" + TARGETS, emptyTarget(work).toString(), "0")) {
            copy(from, to, WORKERS);
        }
    }

    private static long cpuNs() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    private void processorTime(final Path work, final int bytes, final int blocks) throws IOException {
        out.println(format("%d blocks of %d MiB, %d copies: processor seconds per GiB", blocks, bytes >> 20, COPIES));
        final Path source = fill(work, blocks, bytes);
        final double[] ours = new double[rounds];
        final double[] bare = new double[rounds];
        final double gib = (double) bytes * blocks / (1 << 30);
        try (CasPeers from = CasPeers.stores("B", "" + SOURCES, source.toString(), "0");
                CasPeers raw = CasPeers.bare()) {
            for (int round = -1; round < rounds; round++) {
                long startNs = cpuNs();
                BareRelay.run(raw.greeting(), bytes, blocks, COPIES);
                final double relay = (cpuNs() - startNs) / NS / gib;
                final Path target = emptyTarget(work);
                final double copier;
                try (CasPeers to = CasPeers.stores("B", "" + TARGETS, target.toString(), "0")) {
                    startNs = cpuNs();
                    copy(from, to, WORKERS);
                    copier = (cpuNs() - startNs) / NS / gib;
                }
                delete.accept(target);
                if (round >= 0) {
                    ours[round] = copier;
                    bare[round] = relay;
                    out.println(format("  round %d: copier %.2f, bare relay %.2f", round + 1, copier, relay));
                    out.flush();
                }
            }
        }
        delete.accept(source);
        final double ratio = Medians.of(ours) / Medians.of(bare);
        require(
                ratio <= MAX_CPU_RATIO,
                format("%d MiB: the copier takes at most 1.3x of a bare relay: %.2f", bytes >> 20, ratio));
    }

    private void memory(final Path work) throws IOException, InterruptedException {
        out.println("memory, in processes of their own");
        try (CasPeers lines = CasPeers.stores("LINES", "1", "2000000")) {
            final double seconds = child("256m", work, lines.greeting(), lines.greeting());
            require(seconds >= 0, format("2 million lines a side with -Xmx256m (%.1f s)", seconds));
        }
        try (CasPeers lines = CasPeers.stores("LINES", "1", "200000")) {
            child("64m", work, lines.greeting(), lines.greeting());
            final double seconds = child("64m", work, lines.greeting(), lines.greeting());
            require(
                    seconds >= 0 && seconds < MAX_IDLE_SECONDS,
                    format("nothing to do on 200 000 blocks a side in under 2 s with -Xmx64m (%.1f s)", seconds));
        }
        final Path source = fill(work, 20, 64 << 20);
        try (CasPeers from = CasPeers.stores("B", "" + SOURCES, source.toString(), "0");
                CasPeers to =
                        CasPeers.stores("B", "" + TARGETS, emptyTarget(work).toString(), "0")) {
            final double seconds = child("256m", work, from.greeting(), to.greeting());
            require(seconds >= 0, format("20 blocks of 64 MiB by 16 workers with -Xmx256m (%.1f s)", seconds));
        }
    }

    /** Runs keep-rsync with so much heap, and returns the seconds that it took, or -1 when it failed. */
    private double child(final String heap, final Path work, final String from, final String to)
            throws IOException, InterruptedException {
        final Path settings = work.resolve("bench.conf");
        Files.writeString(settings, "ARVADOS_API_TOKEN=" + StoreProcess.TOKEN + "\n");
        final long startNs = System.nanoTime();
        final Process process = new ProcessBuilder(
                        CasPeers.java(),
                        "-Xmx" + heap,
                        "-XX:+UseSerialGC",
                        "-Xshare:auto",
                        "-cp",
                        System.getProperty("java.class.path", ""),
                        "io.replicate.examples.cli.Main",
                        "keep-rsync",
                        "-src",
                        settings.toString(),
                        "-dst",
                        settings.toString(),
                        "-replications",
                        "2",
                        "-src-keep-services-json",
                        from,
                        "-dst-keep-services-json",
                        to,
                        "--quiet")
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("child.log").toFile())
                .start();
        final boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        if (!ended) {
            process.destroyForcibly();
        }
        final double seconds = (System.nanoTime() - startNs) / NS;
        if (!ended || process.exitValue() != 0) {
            out.println(Files.readString(work.resolve("child.log")));
            return -1;
        }
        return seconds;
    }
}
