package io.replicate.examples.bench;

import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Locator;
import io.replicate.delta.DeltaInput;
import io.replicate.delta.Images;
import io.replicate.delta.Targets;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/** Measures deltas of an image of which a tenth changed, in scattered chunks. Ours run in processes of their own. */
public final class DeltaBench {
    private static final int CHUNK = 4096;
    private static final int PIECE = 1 << 20;
    private static final int ONE_IN = 10;
    private static final double NS = 1e9;
    private static final double MIN_EXTRACT = 0.8;
    private static final double MIN_MERGE = 0.8;
    private static final double MAX_WRITTEN = 2.2;
    private static final double MAX_TREE_CPU = 0.10;
    private static final double MAX_EXTRACT_CPU = 1.2;

    private final PrintWriter out;
    private final Path work;
    private final long imageBytes;
    private final int rounds;
    private final Path base;
    private final Path next;
    private final Path cow;
    private final Path delta;
    private final Path target;
    private final List<String> missed = new ArrayList<>();
    private Timed startUp = new Timed(0, 0);

    /**
     * Prepares a measurement.
     *
     * @param work an empty directory.
     * @param rounds of which the median counts.
     */
    public DeltaBench(final PrintWriter out, final Path work, final long imageBytes, final int rounds) {
        this.out = out;
        this.work = work;
        this.imageBytes = imageBytes / PIECE * PIECE;
        this.rounds = rounds;
        this.base = work.resolve("base.img");
        this.next = work.resolve("next.img");
        this.cow = work.resolve("snap.cow");
        this.delta = work.resolve("delta.snap");
        this.target = work.resolve("target.img");
    }

    /** Measures, and returns which targets were missed. */
    public List<String> run() throws IOException, InterruptedException {
        final long changedBytes = makeImages();
        out.println(format(
                "image %d MiB, %d MiB changed in scattered chunks of 4 KiB; medians of %d interleaved rounds, -Xmx64m",
                imageBytes >> 20, changedBytes >> 20, rounds));
        start();
        extract(changedBytes);
        merge(changedBytes);
        others(changedBytes);
        return missed;
    }

    private static String format(final String pattern, final Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private void require(final boolean met, final String what) {
        out.println("  " + (met ? "met:    " : "MISSED: ") + what);
        out.flush();
        if (!met) {
            missed.add(what);
        }
    }

    private void row(final String name, final double seconds, final double cpu, final long bytes) {
        out.println(format(
                "  %-34s %7.2f s %8.0f MB/s %7.2f CPU s", name, seconds, bytes / 1e6 / Math.max(seconds, 1e-3), cpu));
        out.flush();
    }

    private long makeImages() throws IOException {
        final SplittableRandom random = new SplittableRandom(1);
        final SnapLayout layout = new SnapLayout(CHUNK);
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        try (FileChannel a = create(base);
                FileChannel b = create(next);
                ExceptionList list = new ExceptionList()) {
            for (long at = 0; at < imageBytes; at += PIECE) {
                piece.clear();
                while (piece.hasRemaining()) {
                    piece.putLong(random.nextLong());
                }
                writeFully(a, piece.flip());
                for (int chunk = 0; chunk < PIECE / CHUNK; chunk++) {
                    if (random.nextInt(ONE_IN) == 0) {
                        piece.putLong(chunk * CHUNK, random.nextLong());
                        list.entry(at / CHUNK + chunk, 0);
                    }
                }
                writeFully(b, piece.rewind());
            }
            a.force(true);
            b.force(true);
            shuffled(list, layout);
            return list.size() * CHUNK;
        }
    }

    /** Writes the store as the kernel would: the old data, in the order in which the chunks were first written to. */
    private void shuffled(final ExceptionList list, final SnapLayout layout) throws IOException {
        final List<Long> chunks = new ArrayList<>();
        try (Pairs pairs = list.inOrder()) {
            while (pairs.next()) {
                chunks.add(pairs.oldChunk());
            }
        }
        // Writers are neither sorted nor random: bursts of neighbours, here and there.
        final List<List<Long>> bursts = new ArrayList<>();
        for (int i = 0; i < chunks.size(); i += 64) {
            bursts.add(chunks.subList(i, Math.min(i + 64, chunks.size())));
        }
        java.util.Collections.shuffle(bursts, new java.util.Random(2));
        try (ExceptionList order = new ExceptionList();
                FileChannel store = create(cow);
                Images.Opened old = Images.source(Locator.file(base.toString()))) {
            for (final List<Long> burst : bursts) {
                for (final long chunk : burst) {
                    order.entry(chunk, 0);
                }
            }
            new StreamWriter(store, layout, null)
                    .write(order, ChunkData.ofImage(old, layout, imageBytes), StreamWriter.Samples.NONE);
            store.force(true);
        }
    }

    private static FileChannel create(final Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ);
    }

    private static void writeFully(final FileChannel to, final ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            to.write(from);
        }
    }

    private List<String> dds(final String... arguments) {
        final List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=4",
                "-cp",
                System.getProperty("java.class.path"),
                "io.replicate.examples.cli.Main",
                "dds"));
        command.addAll(List.of(arguments));
        return command;
    }

    private static double median(final List<Timed> times, final ToDoubleFunction<Timed> of) {
        return Medians.of(times.stream().mapToDouble(of).toArray());
    }

    /** What a run costs that has nothing to do: it is left out of the comparisons, and shown. */
    private void start() throws IOException, InterruptedException {
        final Path empty = work.resolve("empty.cow");
        try (FileChannel store = create(empty);
                ExceptionList none = new ExceptionList();
                Images.Opened old = Images.source(Locator.file(base.toString()))) {
            final SnapLayout layout = new SnapLayout(CHUNK);
            new StreamWriter(store, layout, null)
                    .write(none, ChunkData.ofImage(old, layout, imageBytes), StreamWriter.Samples.NONE);
        }
        final List<Timed> runs = new ArrayList<>();
        for (int i = 0; i < Math.max(3, rounds); i++) {
            runs.add(Timed.run(work, dds("--list", "--cow", empty.toString())));
        }
        startUp = new Timed(median(runs, Timed::seconds), median(runs, Timed::cpuSeconds));
        out.println("start-up of the JVM, left out of the ratios");
        row("dds --list of an empty store", startUp.seconds(), startUp.cpuSeconds(), 0);
    }

    private double netSeconds(final List<Timed> times) {
        return Math.max(1e-3, median(times, Timed::seconds) - startUp.seconds());
    }

    private double netCpu(final List<Timed> times) {
        return Math.max(1e-3, median(times, Timed::cpuSeconds) - startUp.cpuSeconds());
    }

    private void extract(final long changedBytes) throws IOException, InterruptedException {
        final List<Timed> ours = new ArrayList<>();
        final List<Timed> dd = new ArrayList<>();
        final List<Timed> scattered = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            ours.add(Timed.run(
                    work,
                    dds("--extract", "--cow", cow.toString(), "--source", next.toString(), "--dest", "/dev/null")));
            dd.add(Timed.run(
                    work,
                    List.of(
                            "dd",
                            "if=" + next,
                            "of=/dev/null",
                            "bs=1M",
                            "count=" + changedBytes / PIECE,
                            "status=none")));
            scattered.add(scatteredRead());
        }
        Timed.run(
                work,
                dds("--extract", "--cow", cow.toString(), "--source", next.toString(), "--dest", delta.toString()));
        out.println("extract");
        final double seconds = median(ours, Timed::seconds);
        final double cpu = median(ours, Timed::cpuSeconds);
        row("dds --extract (with checksums)", seconds, cpu, changedBytes);
        row("scattered read of the same chunks", median(scattered, Timed::seconds), 0, changedBytes);
        row("dd, sequential, as many bytes", median(dd, Timed::seconds), median(dd, Timed::cpuSeconds), changedBytes);
        final double speed = median(scattered, Timed::seconds) / netSeconds(ours);
        require(speed >= MIN_EXTRACT, format("extract is %.2fx of the scattered read (at least 0.8x)", speed));
        final double cost = netCpu(ours) / Math.max(median(dd, Timed::cpuSeconds), 0.01);
        require(cost <= MAX_EXTRACT_CPU, format("extract takes %.2fx of dd's processor time (at most 1.2x)", cost));
    }

    private Timed scatteredRead() throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
        final long from = System.nanoTime();
        try (NativeFile file = NativeFile.open(next, NativeFile.Option.READ);
                Images.Opened store = Images.source(Locator.file(cow.toString()));
                ExceptionList list =
                        io.replicate.delta.cow.StoreReader.open(store, "store").exceptions(false);
                Pairs pairs = list.inOrder()) {
            while (pairs.next()) {
                file.read(buffer.clear(), pairs.oldChunk() * CHUNK);
            }
        }
        return new Timed((System.nanoTime() - from) / NS, 0);
    }

    private void freshTarget() throws IOException, InterruptedException {
        Timed.run(work, List.of("cp", "--reflink=never", base.toString(), target.toString()));
        Timed.run(work, List.of("sync", "-f", work.toString()));
    }

    private void merge(final long changedBytes) throws IOException, InterruptedException {
        final List<Timed> inPlace = new ArrayList<>();
        final List<Timed> atomic = new ArrayList<>();
        final List<Timed> withTree = new ArrayList<>();
        final List<Timed> sorted = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            freshTarget();
            inPlace.add(Timed.run(
                    work, dds("--merge", "--cow", delta.toString(), "--dest", target.toString(), "--in-place")));
            requireMerged();
            freshTarget();
            sorted.add(sortedWrites());
            freshTarget();
            atomic.add(Timed.run(work, dds("--merge", "--cow", delta.toString(), "--dest", target.toString())));
            requireMerged();
            freshTarget();
            Timed.run(work, dds("--scrub", "--record", "--dest", target.toString()));
            withTree.add(Timed.run(work, dds("--merge", "--cow", delta.toString(), "--dest", target.toString())));
            requireMerged();
            deleteState();
        }
        out.println("merge");
        row(
                "dds --merge --in-place",
                median(inPlace, Timed::seconds),
                median(inPlace, Timed::cpuSeconds),
                changedBytes);
        row("sorted writes of the same extents", median(sorted, Timed::seconds), 0, changedBytes);
        row("dds --merge (atomic)", median(atomic, Timed::seconds), median(atomic, Timed::cpuSeconds), changedBytes);
        row(
                "the same, with a hash tree",
                median(withTree, Timed::seconds),
                median(withTree, Timed::cpuSeconds),
                changedBytes);
        final double speed = median(sorted, Timed::seconds) / netSeconds(inPlace);
        require(speed >= MIN_MERGE, format("merge in place is %.2fx of sorted writes (at least 0.8x)", speed));
        final double written = writtenByAtomicMerge() / (double) changedBytes;
        require(
                written <= MAX_WRITTEN,
                format("the atomic merge writes %.2fx the changed bytes (at most 2.2x)", written));
        final double tree = netCpu(withTree) / netCpu(atomic) - 1;
        require(
                tree <= MAX_TREE_CPU,
                format("updating the tree costs %.0f %% of the merge's processor time (at most 10 %%)", 100 * tree));
        require(true, "every process ran with -Xmx64m");
    }

    private void deleteState() throws IOException {
        final Path state = work.resolve(".target.img.delta");
        if (Files.isDirectory(state)) {
            try (var files = Files.list(state)) {
                for (final Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(state);
        }
    }

    private void requireMerged() throws IOException {
        if (Files.mismatch(target, next) >= 0) {
            throw new IOException("the merged image is not the new one");
        }
    }

    private Timed sortedWrites() throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE);
        final long from = System.nanoTime();
        try (NativeFile file = NativeFile.open(target, NativeFile.Option.READ, NativeFile.Option.WRITE);
                NativeFile source = NativeFile.open(next, NativeFile.Option.READ);
                Images.Opened store = Images.source(Locator.file(cow.toString()));
                ExceptionList list =
                        io.replicate.delta.cow.StoreReader.open(store, "store").exceptions(false);
                Pairs pairs = list.sorted()) {
            boolean more = pairs.next();
            while (more) {
                final long first = pairs.oldChunk();
                int n = 1;
                more = pairs.next();
                while (more && pairs.oldChunk() == first + n && n < PIECE / CHUNK) {
                    n++;
                    more = pairs.next();
                }
                source.read(buffer.clear().limit(n * CHUNK), first * CHUNK);
                file.write(buffer.flip(), first * CHUNK);
            }
            file.datasync();
        }
        return new Timed((System.nanoTime() - from) / NS, 0);
    }

    /** Merges in this process, and asks the kernel how much was written. */
    private long writtenByAtomicMerge() throws IOException, InterruptedException {
        freshTarget();
        final long before = writtenBytes();
        try (DeltaTarget opened = Targets.open(Locator.file(target.toString()), null, false);
                Images.Opened stream = Images.source(Locator.file(delta.toString()))) {
            DeltaInput.of(stream, "delta").merge(opened, MergeOptions.DEFAULT, false);
        }
        final long written = writtenBytes() - before;
        requireMerged();
        return written;
    }

    private static long writtenBytes() throws IOException {
        return Files.readString(Path.of("/proc/self/io"), StandardCharsets.US_ASCII)
                .lines()
                .filter(line -> line.startsWith("wchar:"))
                .mapToLong(
                        line -> Long.parseLong(line.substring("wchar:".length()).strip()))
                .sum();
    }

    private void others(final long changedBytes) throws IOException, InterruptedException {
        out.println("others, once each");
        contest(
                "rsync --inplace --no-whole-file",
                changedBytes,
                "rsync",
                "--inplace",
                "--no-whole-file",
                next + "",
                target + "");
        final Path patch = work.resolve("patch.xd3");
        contest("xdelta3 encode", changedBytes, "xdelta3", "-e", "-1", "-f", "-s", base + "", next + "", patch + "");
        if (Files.exists(patch)) {
            contest("xdelta3 decode", changedBytes, "xdelta3", "-d", "-f", "-s", base + "", patch + "", target + "");
            Files.delete(patch);
        }
        contest("cp", changedBytes, "cp", "--reflink=never", next + "", target + "");
    }

    private void contest(final String name, final long bytes, final String... command)
            throws IOException, InterruptedException {
        if (Arrays.stream(String.valueOf(System.getenv("PATH")).split(":"))
                .noneMatch(directory -> Files.isExecutable(Path.of(directory, command[0])))) {
            out.println("  " + name + ": not installed");
            return;
        }
        if (command[0].equals("rsync")) {
            freshTarget();
        }
        final Timed timed = Timed.run(work, List.of(command));
        row(name, timed.seconds(), timed.cpuSeconds(), bytes);
    }
}
