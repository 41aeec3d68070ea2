package io.replicate.examples.cli;

import io.replicate.examples.bench.CopyBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "copy",
        header = "Compare the copy of a file with cp and dd, on a disk.",
        description = "Needs twice the size in free space. Exits with 1 when a target is missed.")
final class BenchCopyCommand extends AbstractCommand {
    @Option(
            names = "--size",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "File to copy (default: 4G).")
    private long size = 4L << 30;

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "5")
    private int rounds;

    @Option(
            names = "--directory",
            description = "Where the file and its copies are made (default: ${DEFAULT-VALUE}).",
            defaultValue = "/var/tmp")
    private Path directory = Path.of("/var/tmp");

    @Override
    int run() throws Exception {
        final Path work = Files.createTempDirectory(directory, "replicate-bench-");
        try {
            final List<String> missed = new CopyBench(out(), size, rounds).run(work);
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
