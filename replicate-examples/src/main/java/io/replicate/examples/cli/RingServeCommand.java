package io.replicate.examples.cli;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.ring.LinkCompression;
import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingServer;
import io.replicate.ring.Verify;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "serve", header = "Clone a source to all nodes of a ring.")
final class RingServeCommand extends AbstractCommand {
    @Parameters(index = "0", paramLabel = "SOURCE", description = "What to clone: a path, or any locator.")
    private String source = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "What each node writes; %%n is the node's name, %%i its number from 1.")
    private String target = "";

    @Parameters(
            index = "2..*",
            arity = "1..*",
            paramLabel = "NODE",
            description = "HOST[:PORT], in the order of the chain; HOST,HOST for a node with several interfaces.")
    private List<String> nodes = new ArrayList<>();

    @Mixin
    private RingOptions security = new RingOptions();

    @Option(
            names = "--port",
            description = "Port of nodes that name none (default: ${DEFAULT-VALUE}).",
            defaultValue = "9990")
    private int port;

    @Option(
            names = "--verify",
            description = "How copies are proven: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).",
            defaultValue = "stream")
    private Verify verify = Verify.STREAM;

    @Option(
            names = "--fanout",
            description = "How many nodes each node feeds, 1 to 8 (default: 1, a chain).",
            defaultValue = "1")
    private int fanout;

    @Option(
            names = "--streams",
            description = "Connections between two nodes, 1 to 16 (default: 1).",
            defaultValue = "1")
    private int streams;

    @Option(
            names = "--compress",
            description = "Compress blocks where it pays: ${COMPLETION-CANDIDATES} (default: none).",
            defaultValue = "none")
    private LinkCompression compression = LinkCompression.NONE;

    @Option(names = "--rate", paramLabel = "SIZE", description = "Read at most so many bytes a second, such as 200M.")
    private String rate = "0";

    @Option(
            names = "--max-wait",
            paramLabel = "SECONDS",
            description = "Begin without nodes that are not there by then (default: ${DEFAULT-VALUE}).",
            defaultValue = "30")
    private int maxWaitSeconds;

    @Option(names = "--force", description = "Overwrite mounted devices and the like, on nodes that allow it.")
    private boolean force;

    @Override
    @SuppressWarnings("unchecked") // the geometry of a store of digests is refused by the plan
    int run() throws Exception {
        final Locator locator = Locator.parse(source);
        try (Source<Extent> opened = (Source<Extent>) Providers.source(locator);
                RingServer server = RingServer.builder(opened, SourceIdentity.of(locator), target)
                        .nodes(nodes)
                        .port(port)
                        .transport(security.scheme(), security.query())
                        .secret(security.secret())
                        .verify(verify)
                        .fanout(fanout)
                        .streams(streams)
                        .compression(compression)
                        .rateBytesPerSecond(Sizes.parse("--rate", rate))
                        .maxWait(Duration.ofSeconds(maxWaitSeconds))
                        .force(force)
                        .listener(new RingNarrator(err()))
                        .open()) {
            final List<NodeReport> reports = server.run();
            RingTable.print(out(), reports, server.digest());
            RingTable.summary(err(), reports, server);
            return exitCode(reports);
        }
    }

    /** Returns 0 when all nodes have their copy, 3 when some have, 1 when none has. */
    static int exitCode(final List<NodeReport> reports) {
        final long done = reports.stream()
                .filter(report -> report.state() == NodeState.DONE)
                .count();
        if (done == reports.size()) {
            return ExitCode.OK;
        }
        return done == 0 ? ExitCode.FAILED : ExitCode.PARTLY;
    }
}
