package io.replicate.examples.cli;

import io.replicate.examples.demo.Demo;
import io.replicate.examples.demo.NodeLines;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command
final class DemoCommand extends AbstractCommand {
    @Option(
            names = "--directory",
            paramLabel = "DIR",
            description = "Where to make the image and its copies, about 1.5 GiB (default: a temporary directory).")
    private @Nullable Path directory;

    @Option(names = "--keep", description = "Leave the image and its copies.")
    private boolean keep;

    @Option(names = "--seed", description = "Decides what is written, and which node is killed when.")
    private @Nullable Long seed;

    @Override
    int run() throws Exception {
        final Path base = directory == null ? Path.of(System.getProperty("java.io.tmpdir")) : directory;
        final Path work = Files.createTempDirectory(base, "replicate-demo-");
        final long chosen = seed == null ? System.nanoTime() : seed;
        final Demo demo = new Demo(out(), new NodeLines(out(), Terminal.onStdout()), chosen);
        final Thread cleaner = new Thread(
                () -> {
                    demo.close(); // or they go on writing
                    if (!keep) {
                        Trees.delete(work);
                    }
                },
                "demo-clean");
        Runtime.getRuntime().addShutdownHook(cleaner);
        final Demo.Outcome outcome = demo.run(work);
        out().println();
        RingTable.print(out(), outcome.reports(), outcome.digest());
        out().println();
        out().println(
                        outcome.survivorsIdentical()
                                ? "every surviving copy is identical to the source, byte for byte"
                                : "NOT every surviving copy is identical to the source");
        if (keep) {
            out().println("left in " + work);
        }
        return outcome.survivorsIdentical() ? ExitCode.OK : ExitCode.FAILED;
    }
}
