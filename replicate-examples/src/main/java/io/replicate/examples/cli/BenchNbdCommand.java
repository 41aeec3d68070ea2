package io.replicate.examples.cli;

import io.replicate.examples.bench.NbdBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "nbd",
        header = "Compare the NBD server with nbdkit, qemu-nbd and nbd-server.",
        description = "Needs fio with the nbd engine, nbdcopy and the peers, and six times the size in free space."
                + " Exits with 1 when a target is missed.")
final class BenchNbdCommand extends AbstractCommand {
    @Option(
            names = "--size",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Exported files (default: 1G).")
    private long size = 1L << 30;

    @Option(names = "--seconds", description = "Length of a turn (default: ${DEFAULT-VALUE}).", defaultValue = "3")
    private int seconds;

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "3")
    private int rounds;

    @Option(
            names = "--directory",
            description = "Where the files are made (default: ${DEFAULT-VALUE}).",
            defaultValue = "/dev/shm")
    private Path directory = Path.of("/dev/shm");

    @Override
    int run() throws Exception {
        final Path work = Files.createTempDirectory(directory, "replicate-bench-");
        try {
            final List<String> missed = new NbdBench(out(), size, seconds, rounds).run(work);
            if (missed.isEmpty()) {
                return ExitCode.OK;
            }
            err().println("missed: " + String.join("; ", missed));
            return ExitCode.FAILED;
        } finally {
            Trees.delete(work);
        }
    }
}
