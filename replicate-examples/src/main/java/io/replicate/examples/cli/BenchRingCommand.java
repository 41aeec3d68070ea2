package io.replicate.examples.cli;

import io.replicate.core.spi.Sizes;
import io.replicate.examples.bench.RingBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "ring",
        header = "Compare the ring with relays in C and with udpcast, in network namespaces.",
        description = "Needs root, iproute2, gcc and udpcast. Exits with 1 when a target is missed.")
final class BenchRingCommand extends AbstractCommand {
    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "File to clone (default: ${DEFAULT-VALUE}).",
            defaultValue = "1G")
    private String size = "1G";

    @Option(
            names = "--capped-size",
            paramLabel = "SIZE",
            description = "File to clone over capped links (default: ${DEFAULT-VALUE}).",
            defaultValue = "200M")
    private String cappedSize = "200M";

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "5")
    private int rounds;

    @Option(
            names = "--part",
            split = ",",
            paramLabel = "PART",
            defaultValue = "ring,dolly,scale",
            description = "What to measure: ring, dolly (its two dialects), scale (default: all).")
    private List<RingBench.Part> parts = List.of(RingBench.Part.values());

    @Option(
            names = "--directory",
            description = "Where the file and its copies are made (default: ${DEFAULT-VALUE}).",
            defaultValue = "/dev/shm")
    private Path directory = Path.of("/dev/shm");

    @Override
    int run() throws Exception {
        final Path work = Files.createTempDirectory(directory, "replicate-bench-");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteIfThere(work), "bench-clean"));
        try {
            final List<String> missed = new RingBench(
                            out(),
                            EnumSet.copyOf(parts),
                            Sizes.parse("--size", size),
                            Sizes.parse("--capped-size", cappedSize),
                            rounds)
                    .run(work);
            if (missed.isEmpty()) {
                return ExitCode.OK;
            }
            err().println("missed: " + String.join("; ", missed));
            return ExitCode.FAILED;
        } finally {
            Trees.delete(work);
        }
    }

    /** Who is stopped takes his files with him. */
    private static void deleteIfThere(final Path work) {
        if (Files.exists(work)) {
            Trees.delete(work);
        }
    }
}
