package io.replicate.examples.cli;

import io.replicate.examples.bench.CasBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "cas",
        header = "Measure the copy of a content-addressed store: latency, processor time, memory.",
        description = "Its stores run in processes of their own on this machine. Exits with 1 when a target is missed.")
final class BenchCasCommand extends AbstractCommand {
    private static final long BYTES = 2L << 30;
    private static final long QUICK_BYTES = 256L << 20;
    private static final int QUICK_BLOCKS = 300;

    @Option(
            names = "--blocks",
            description = "Blocks of 64 KiB to copy with latency (default: ${DEFAULT-VALUE}).",
            defaultValue = "2000")
    private int blocks;

    @Option(names = "--rounds", description = "Interleaved rounds (default: ${DEFAULT-VALUE}).", defaultValue = "3")
    private int rounds;

    @Option(names = "--quick", description = "One round of a few blocks: half a minute, and rough figures.")
    private boolean quick;

    @Override
    int run() throws Exception {
        final Path work = Files.createTempDirectory("replicate-bench-");
        try {
            final List<String> missed = new CasBench(
                            out(),
                            quick ? Math.min(blocks, QUICK_BLOCKS) : blocks,
                            quick ? QUICK_BYTES : BYTES,
                            quick ? 1 : rounds)
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
}
