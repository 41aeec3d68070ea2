package io.replicate.examples.cli;

import io.replicate.examples.bench.NbdBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "nbd",
        header = "Compare the NBD server with nbdkit, qemu-nbd and nbd-server.",
        description = "Needs fio with the nbd engine, nbdcopy and the peers, and eight times the size in free space."
                + " Exits with 1 when a target is missed.")
final class BenchNbdCommand extends AbstractCommand {
    private static final long QUICK_SIZE = 256 << 20;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Exported files (default: 1G).")
    private long size = 1L << 30;

    @Option(names = "--seconds", description = "Length of a turn (default: ${DEFAULT-VALUE}).", defaultValue = "1")
    private int seconds;

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "3")
    private int rounds;

    @Option(
            names = "--cells",
            paramLabel = "TEXT",
            split = ",",
            description = "Only the cells with one of these texts in their names, as 'randread' or 'write 1M depth 1'.")
    private List<String> cells = new ArrayList<>();

    @Option(names = "--quick", description = "256M and one round: a hint, not a verdict.")
    private boolean quick;

    @Option(
            names = "--directory",
            paramLabel = "DIR",
            split = ",",
            description = "Where the files are made, one run for each (default: /dev/shm,/var/tmp).")
    private List<Path> directories = List.of(Path.of("/dev/shm"), Path.of("/var/tmp"));

    @Override
    int run() throws Exception {
        final NbdBench bench = quick
                ? new NbdBench(out(), QUICK_SIZE, 1, 1, cells)
                : new NbdBench(out(), size, seconds, rounds, cells);
        final List<String> missed = new ArrayList<>();
        for (final Path directory : directories) {
            final Path work = Files.createTempDirectory(directory, "replicate-bench-");
            // also when it is stopped: the files are large, and in memory
            final Thread tidy = new Thread(() -> tidy(work), "tidy");
            Runtime.getRuntime().addShutdownHook(tidy);
            try {
                missed.addAll(bench.run(work));
            } finally {
                tidy(work);
            }
        }
        if (missed.isEmpty()) {
            return ExitCode.OK;
        }
        err().println("missed: " + String.join("; ", missed));
        return ExitCode.FAILED;
    }

    private static void tidy(final Path work) {
        if (Files.exists(work)) {
            Trees.delete(work);
        }
    }
}
