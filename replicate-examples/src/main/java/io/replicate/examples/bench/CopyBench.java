package io.replicate.examples.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares our copy of a file with the system's: cp through the page cache and dd around it, each with an fsync at its
 * end. Ours includes the start of a JVM, a checksum of every byte and a digest. Two states are measured: a source that
 * nobody has read lately, and one that the page cache holds.
 */
public final class CopyBench {
    private static final double TARGET = 1.10;
    private static final String CP = "cp --reflink=never; sync";
    private static final String DD = "dd, O_DIRECT, conv=fsync";
    private static final String OURS = "ours";

    private final PrintWriter out;
    private final long bytes;
    private final int rounds;
    private final List<String> java;

    /**
     * Creates a benchmark.
     *
     * @param bytes of the file that is copied.
     * @param rounds of all contestants in turn.
     */
    public CopyBench(final PrintWriter out, final long bytes, final int rounds) {
        this.out = out;
        this.bytes = bytes;
        this.rounds = rounds;
        this.java = OurProgram.command();
    }

    /** Runs everything in a directory on a disk; returns the targets that were missed. */
    public List<String> run(final Path directory) throws IOException, InterruptedException {
        final Path source = directory.resolve("source");
        final Path target = directory.resolve("target");
        out.printf("copying %d MiB in %s%n%n", bytes >> 20, directory);
        out.flush();
        RandomFile.write(source, bytes);
        final Verdicts verdicts = new Verdicts(out);
        for (final boolean cached : new boolean[] {false, true}) {
            final String state = cached ? "source in the page cache" : "source on disk";
            out.println(state + ":");
            final Interleaved contest = new Interleaved(out, bytes)
                    .add(
                            CP,
                            () -> measure(
                                    source,
                                    target,
                                    cached,
                                    List.of(
                                            "sh",
                                            "-c",
                                            "cp --reflink=never \"$0\" \"$1\" && sync \"$1\"",
                                            source.toString(),
                                            target.toString())))
                    .add(
                            DD,
                            () -> measure(
                                    source,
                                    target,
                                    cached,
                                    List.of(
                                            "dd",
                                            "if=" + source,
                                            "of=" + target,
                                            "bs=1M",
                                            "iflag=direct",
                                            "oflag=direct",
                                            "conv=fsync",
                                            "status=none")))
                    .add(OURS, () -> measure(source, target, cached, ours(source, target)));
            contest.run(rounds);
            contest.table();
            final String best = contest.fastest(CP, DD);
            verdicts.atMost("time of ours to '" + best + "', " + state, contest.timeRatio(OURS, best), TARGET);
            out.println();
        }
        return verdicts.missed();
    }

    private List<String> ours(final Path source, final Path target) {
        final List<String> command = new ArrayList<>(java);
        command.addAll(List.of("copy", source.toString(), target.toString()));
        return command;
    }

    private Interleaved.Run measure(
            final Path source, final Path target, final boolean cached, final List<String> command)
            throws IOException, InterruptedException {
        Files.deleteIfExists(target);
        // What the one before left to be written, or trimmed, is not the next one's time.
        run(List.of("sync", "-f", source.toString()));
        run(
                cached
                        ? List.of("sh", "-c", "cat \"$0\" >/dev/null", source.toString())
                        : List.of("dd", "if=" + source, "iflag=nocache", "count=0", "status=none"));
        final long beginNs = System.nanoTime();
        final double cpuSeconds = run(command);
        final double seconds = (System.nanoTime() - beginNs) / 1e9;
        if (Files.size(target) != bytes) {
            throw new IOException(command.get(0) + " copied " + Files.size(target) + " of " + bytes + " bytes");
        }
        return new Interleaved.Run(seconds, cpuSeconds);
    }

    private static double run(final List<String> command) throws IOException, InterruptedException {
        try (Program program = Program.start(command, "-")) {
            program.await();
            return program.cpuSeconds();
        }
    }
}
