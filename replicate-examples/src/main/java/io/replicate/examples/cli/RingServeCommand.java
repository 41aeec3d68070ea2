package io.replicate.examples.cli;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.ring.LinkCompression;
import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingServer;
import io.replicate.ring.Verify;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "serve", header = "Clone a source to all nodes of a ring.", defaultValueProvider = RingConfig.class)
final class RingServeCommand extends AbstractCommand implements RingConfig.Configurable {
    @Parameters(
            index = "0",
            paramLabel = "SOURCE",
            description = "What to clone: a path, any locator, or - for the standard input.")
    private String source = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "What each node writes; %%n is the node's name, %%i its number from 1.")
    private String target = "";

    @Parameters(
            index = "2..*",
            arity = "1..*",
            split = " ",
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

    @Option(
            names = "--linger",
            paramLabel = "SECONDS",
            description = "When all others are done, wait so long for nodes that were lost (default: not at all).",
            defaultValue = "0")
    private int lingerSeconds;

    @Option(
            names = "--window",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Memory for blocks that nodes still need (default: 16M).",
            defaultValue = "16M")
    private long window;

    @Option(names = "--json", description = "Print events, progress and the result as JSON lines.")
    private boolean json;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Take options and arguments from a file: NAME = VALUE lines, such as 'fanout = 2',"
                    + " 'source = PATH', 'target = PATH' and a 'node = HOST' line for each node.")
    private @Nullable Path config;

    @Option(
            names = "--force",
            description = "Overwrite mounted devices and the like, on nodes that allow it; clone a file that changes"
                    + " meanwhile.")
    private boolean force;

    @Override
    public @Nullable Path config() {
        return config;
    }

    @Override
    int run() throws Exception {
        final @Nullable JsonLines lines = json ? new JsonLines(out()) : null;
        try (StopSignal stop = StopSignal.listen()) {
            try {
                return serve(stop, lines);
            } catch (final ReplicationException e) {
                if (lines != null) {
                    lines.event("error", Map.of("message", String.valueOf(e.getMessage())));
                }
                if (stop.received() && e.category() == ReplicationException.Category.CANCELLED) {
                    err().println("ring: stopped; the nodes keep what they have: the same commands go on from there");
                    return ExitCode.FAILED;
                }
                throw e;
            }
        }
    }

    @SuppressWarnings("unchecked") // the geometry of a store of digests is refused by the plan
    private int serve(final StopSignal stop, final @Nullable JsonLines lines) throws IOException {
        final Locator locator = Locator.parse("-".equals(source) ? "stdio:" : source);
        try (RingProgress progress = new RingProgress(err(), lines);
                Source<Extent> opened = (Source<Extent>) Providers.source(locator);
                RingServer server =
                        builder(opened, SourceIdentity.of(locator), progress).open()) {
            stop.then(server::cancel);
            progress.watch(server, opened.geometry().sizeBytes());
            final List<NodeReport> reports = server.run();
            progress.finish();
            if (lines == null) {
                RingTable.print(out(), reports, server.digest());
                RingTable.summary(err(), reports, server);
            } else {
                lines.event("result", RingProgress.result(reports, server.digest()));
            }
            return exitCode(reports);
        }
    }

    private RingServer.Builder builder(final Source<Extent> opened, final String identity, final RingProgress progress)
            throws IOException {
        if (maxWaitSeconds < 0 || lingerSeconds < 0) {
            throw ReplicationException.misuse("--max-wait and --linger take no negative number of seconds");
        }
        try {
            return configured(opened, identity, progress);
        } catch (final IllegalArgumentException e) {
            throw ReplicationException.misuse("--" + e.getMessage());
        }
    }

    private RingServer.Builder configured(
            final Source<Extent> opened, final String identity, final RingProgress progress) throws IOException {
        return RingServer.builder(opened, identity, "-".equals(target) ? "stdio:" : target)
                .nodes(nodes)
                .port(port)
                .transport(security.scheme(), security.query())
                .secret(security.secret())
                .verify(verify)
                .fanout(fanout)
                .streams(streams)
                .compression(compression)
                .rateBytesPerSecond(Sizes.parse("--rate", rate))
                .windowBlocks(RingOptions.blocks(window))
                .maxWait(Duration.ofSeconds(maxWaitSeconds))
                .linger(Duration.ofSeconds(lingerSeconds))
                .force(force)
                .listener(progress);
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
