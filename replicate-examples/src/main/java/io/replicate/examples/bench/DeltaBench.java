package io.replicate.examples.bench;

import io.replicate.core.spi.Locator;
import io.replicate.delta.DeltaInput;
import io.replicate.delta.Images;
import io.replicate.delta.Targets;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Measures deltas of an image of which a tenth changed, in scattered chunks of 4 KiB. Ours run in processes of their own,
 * all with -Xmx64m; what a JVM needs to start is measured in every round, and left out of that round.
 *
 * <p>Reads of the source go around the page cache, on both sides, as those of a snapshot's device do: a read is then a
 * read. The yardstick is who reads the same chunks in the same order, one by each of 16 threads; reads that go to the kernel
 * together, as those of an extract do, are shown beside it, too. Merges write through the page cache and end with fdatasync, on both sides. What is merged a second time writes the
 * same bytes to the same places, so that one copy of the target does for all rounds; the first merge is compared with the
 * image that it must lead to. The processor time of dd is that of one which also makes a system call for each chunk, as in
 * the pipeline of OpenSVC (bs=4096); one with bs=1M is shown beside it: no scattered read can be as cheap.
 */
public final class DeltaBench {
    private static final int PIECE = 1 << 20;
    private static final int LIMIT_SECONDS = 90;
    private static final long SECTOR = 512;
    private static final String EXTRACT = "dds --extract";
    private static final String BARE = "dds --extract --bare, cached";
    private static final String READ = "scattered read, 16 threads";
    private static final String READ_TOGETHER = "scattered read, 64 at once";
    private static final String DD = "dd bs=4k, cached";
    private static final String DD_LARGE = "dd bs=1M, cached";
    private static final String START = "start-up, left out of ours";
    private static final String IN_PLACE = "dds --merge --in-place";
    private static final String SORTED = "sorted writes";
    private static final String ATOMIC = "dds --merge";
    private static final String WITH_TREE = "dds --merge, with a tree";

    private final PrintWriter out;
    private final Path work;
    private final long imageBytes;
    private final int rounds;
    private final Path delta;
    private final Path target;
    private final Verdicts verdicts;
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
        this.delta = work.resolve("delta.snap");
        this.target = work.resolve("target.img");
        this.verdicts = new Verdicts(out);
    }

    /** Measures, and returns which targets were missed. */
    public List<String> run() throws IOException, InterruptedException {
        final DeltaImages images = DeltaImages.make(work, imageBytes);
        out.printf(
                "image %d MiB, %d MiB changed in %d scattered chunks%n",
                imageBytes >> 20, images.changedBytes() >> 20, images.chunks().length);
        extract(images);
        merge(images);
        others(images);
        return verdicts.missed();
    }

    /** As the launcher starts it: the first compiler is enough for a bare stream. */
    private static List<String> dds(final Object... arguments) {
        final boolean bare = List.of(arguments).contains("--bare");
        final List<String> command = new ArrayList<>(
                bare ? OurProgram.command("-Xmx64m", "-XX:TieredStopAtLevel=1") : OurProgram.command("-Xmx64m"));
        command.add("dds");
        Arrays.stream(arguments).map(String::valueOf).forEach(command::add);
        return command;
    }

    /** What a run costs that has nothing to do. */
    private Interleaved.Run start(final DeltaImages images) throws IOException, InterruptedException {
        startUp = Timed.run(
                work,
                dds(
                        "--extract",
                        "--cow",
                        images.emptyCow(),
                        "--source",
                        images.next(),
                        "--bare",
                        "--dest",
                        "/dev/null"));
        return new Interleaved.Run(startUp.seconds(), startUp.cpuSeconds());
    }

    private Interleaved.Run net(final List<String> command) throws IOException, InterruptedException {
        final Timed timed = Timed.run(work, command);
        return new Interleaved.Run(
                Math.max(1e-3, timed.seconds() - startUp.seconds()),
                Math.max(1e-3, timed.cpuSeconds() - startUp.cpuSeconds()));
    }

    private void extract(final DeltaImages images) throws IOException, InterruptedException {
        final ScatteredIo io = new ScatteredIo(images.chunksInStore());
        final String direct = images.next() + "?direct=true";
        final Interleaved cell = new Interleaved(out, images.changedBytes());
        cell.add(START, () -> start(images));
        cell.add(
                EXTRACT, () -> net(dds("--extract", "--cow", images.cow(), "--source", direct, "--dest", "/dev/null")));
        cell.add(READ, () -> io.readByThreads(images.next()));
        cell.add(READ_TOGETHER, () -> io.readTogether(images.next()));
        cell.add(
                BARE,
                () -> net(dds(
                        "--extract",
                        "--bare",
                        "--cow",
                        images.cow(),
                        "--source",
                        images.next(),
                        "--dest",
                        "/dev/null")));
        cell.add(DD, () -> dd(images, DeltaImages.CHUNK));
        cell.add(DD_LARGE, () -> dd(images, PIECE));
        cell.run(rounds);
        cell.table();
        verdicts.atLeast(
                "extract, of the speed of a scattered read by threads", 1 / cell.timeRatio(EXTRACT, READ), 0.8);
        out.printf(
                "extract, of the speed of the same reads together, not hashed: %.2f%n",
                1 / cell.timeRatio(EXTRACT, READ_TOGETHER));
        verdicts.atMost(
                "extract --bare, processor time of dd's with as many reads",
                cell.cpuSecondsPerGib(BARE) / cell.cpuSecondsPerGib(DD),
                1.2);
        out.println();
    }

    private Interleaved.Run dd(final DeltaImages images, final int blockBytes)
            throws IOException, InterruptedException {
        final Timed timed = Timed.run(
                work,
                List.of(
                        "dd",
                        "if=" + images.next(),
                        "of=/dev/null",
                        "bs=" + blockBytes,
                        "count=" + images.changedBytes() / blockBytes,
                        "status=none"));
        return new Interleaved.Run(timed.seconds(), timed.cpuSeconds());
    }

    private void merge(final DeltaImages images) throws IOException, InterruptedException {
        Timed.run(work, dds("--extract", "--cow", images.cow(), "--source", images.next(), "--dest", delta));
        copy(images.base());
        final double written = writtenByAtomicMerge(images) / (double) images.changedBytes();
        final Path withTree = work.resolve("state");
        Timed.run(work, dds("--scrub", "--record", "--dest", target, "--state", withTree));

        final ScatteredIo io = new ScatteredIo(images.chunks());
        final Interleaved cell = new Interleaved(out, images.changedBytes());
        cell.add(START, () -> start(images));
        cell.add(IN_PLACE, () -> net(dds("--merge", "--cow", delta, "--dest", target, "--in-place")));
        cell.add(SORTED, () -> io.writeSorted(images.next(), target));
        cell.add(ATOMIC, () -> net(dds("--merge", "--no-reflink", "--cow", delta, "--dest", target)));
        cell.add(
                WITH_TREE,
                () -> net(dds("--merge", "--no-reflink", "--cow", delta, "--dest", target, "--state", withTree)));
        cell.run(rounds);
        cell.table();
        requireMerged(images);
        Timed.run(work, dds("--scrub", "--dest", target, "--state", withTree));
        verdicts.atLeast("merge in place, of the speed of sorted writes", 1 / cell.timeRatio(IN_PLACE, SORTED), 0.8);
        verdicts.atMost("atomic merge, bytes written of those changed", written, 2.2);
        verdicts.atMost(
                "tree, processor time on top of the merge's",
                cell.cpuSecondsPerGib(WITH_TREE) / cell.cpuSecondsPerGib(ATOMIC) - 1,
                0.1);
        out.println();
    }

    private void copy(final Path from) throws IOException, InterruptedException {
        Timed.run(work, List.of("cp", "--reflink=never", from.toString(), target.toString()));
        Timed.run(work, List.of("sync", target.toString()));
    }

    private void requireMerged(final DeltaImages images) throws IOException {
        if (Files.mismatch(target, images.next()) >= 0) {
            throw new IOException("the merged image is not the new one");
        }
    }

    /** Merges in this process, and asks the kernel how much was written; nothing where no disk is below. */
    private long writtenByAtomicMerge(final DeltaImages images) throws IOException, InterruptedException {
        final long before = writtenBytes();
        try (DeltaTarget opened = Targets.open(Locator.file(target.toString()), null, false);
                Images.Opened stream = Images.source(Locator.file(delta.toString()))) {
            DeltaInput.of(stream, "delta")
                    .merge(
                            opened,
                            new MergeOptions(false, false, 0, false, false, MergeOptions.DEFAULT.cancellation()),
                            false);
        }
        final long written = writtenBytes() - before;
        requireMerged(images);
        return written;
    }

    /**
     * The bytes that the disk below the work directory has written, all of the file system's own with them. A process knows
     * no such figure: its writes do not count the asynchronous ones, and its dirty bytes count whole folios.
     */
    private long writtenBytes() throws IOException, InterruptedException {
        Timed.run(work, List.of("sync", "--file-system", work.toString()));
        final long device = ((Number) Files.getAttribute(work, "unix:dev")).longValue();
        final long major = (device >>> 8) & 0xfff;
        final long minor = (device & 0xff) | (device >>> 12 & 0xfff00);
        final Path stat = Path.of("/sys/dev/block/" + major + ":" + minor + "/stat");
        return Files.exists(stat)
                ? SECTOR * Long.parseLong(Files.readString(stat).strip().split("\\s+")[6])
                : 0;
    }

    /** What others do to make the same target of the same image; no targets, so once each, and not for ever. */
    private void others(final DeltaImages images) throws IOException, InterruptedException {
        final Path patch = work.resolve("patch.xd3");
        final String base = images.base().toString();
        final String next = images.next().toString();
        out.printf("others, once each, at most %d s%n", LIMIT_SECONDS);
        copy(images.base());
        other("rsync", "rsync", "--inplace", "--no-whole-file", next, target.toString());
        other("cp", "cp", "--reflink=never", next, target.toString());
        if (other("xdelta3 encode", "xdelta3", "-e", "-1", "-f", "-s", base, next, patch.toString())) {
            other("xdelta3 decode", "xdelta3", "-d", "-f", "-s", base, patch.toString(), target.toString());
        }
    }

    /** Runs a command; false when it is not here, or took too long. */
    private boolean other(final String name, final String... command) throws IOException, InterruptedException {
        final boolean here = Arrays.stream(String.valueOf(System.getenv("PATH")).split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, command[0])));
        if (!here) {
            out.printf("  %-18s is not installed%n", name);
            return false;
        }
        final List<String> bounded = new ArrayList<>(List.of(
                "bash", "-c", "timeout " + LIMIT_SECONDS + " \"$@\"; code=$?; [ $code = 124 ] || exit $code", "other"));
        bounded.addAll(List.of(command));
        final Timed timed = Timed.run(work, bounded);
        final boolean ended = timed.seconds() < LIMIT_SECONDS;
        out.printf(
                "  %-18s %s%8.2f s %7.2f CPU s%n",
                name, ended ? "" : "more than ", timed.seconds(), timed.cpuSeconds());
        out.flush();
        return ended;
    }
}
