package io.replicate.examples.cli;

import io.replicate.core.spi.Sizes;
import io.replicate.examples.bench.DeltaBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "delta",
        header = "Measure extract and merge of scattered changes, against dd, rsync, xdelta3 and cp.",
        description = "Needs about four times the image's size on disk. Exits with 1 when a target is missed.")
final class BenchDeltaCommand extends AbstractCommand {
    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "Size of the image (default: ${DEFAULT-VALUE}).",
            defaultValue = "4G")
    private String size = "4G";

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "3")
    private int rounds;

    @Option(
            names = "--directory",
            description = "Where the images are made (default: ${DEFAULT-VALUE}).",
            defaultValue = "/var/tmp")
    private Path directory = Path.of("/var/tmp");

    @Override
    int run() throws Exception {
        final Path work = Files.createTempDirectory(directory, "replicate-bench-");
        try {
            final List<String> missed = new DeltaBench(out(), work, Sizes.parse("--size", size), rounds).run();
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
