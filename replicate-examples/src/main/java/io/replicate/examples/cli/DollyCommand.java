package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.ring.dolly.Dialect;
import io.replicate.ring.dolly.DollyClient;
import io.replicate.ring.dolly.DollyConfig;
import io.replicate.ring.dolly.DollyKiller;
import io.replicate.ring.dolly.DollyNode;
import io.replicate.ring.dolly.DollyOptions;
import io.replicate.ring.dolly.DollyReport;
import io.replicate.ring.dolly.DollyServer;
import io.replicate.ring.dolly.Narration;
import io.replicate.ring.dolly.Statistics;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** dolly's own command line: its letters, its words, and its exit codes, where 1 is every failure. */
@Command(
        name = "dolly",
        sortOptions = false,
        exitCodeOnInvalidInput = ExitCode.FAILED,
        description = {
            "",
            "The server (-s) sends a file, a device or directories; every other node runs 'dolly' without options"
                    + " (-v to see something) and stores it. Old and new nodes can be mixed.",
            "",
            "  node$   dolly -v",
            "  server$ dolly -v -s -I /tmp/sle15.sif -O /data/sle15.sif -H node1,node2",
            ""
        })
final class DollyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private DollyFlags flags = new DollyFlags();

    @Option(names = "-h", description = "Show this help; the exit code is 1, as dolly's.")
    private boolean shortHelp;

    @SuppressWarnings("UnusedVariable") // picocli reads it
    @Option(names = "--help", usageHelp = true, description = "Show this help.")
    boolean help;

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }

    @Override
    public Integer call() throws Exception {
        if (shortHelp) {
            spec.commandLine().usage(out());
            return ExitCode.FAILED;
        }
        if (flags.version != null) {
            out().println("dolly (replicate " + VersionCommand.version() + "): speaks the dialects of 0.6x and 0.7x");
            return ExitCode.OK;
        }
        flags.check(spec.commandLine());
        if (flags.kill != null) {
            return kill(DollyFlags.list(flags.kill));
        }
        return flags.isServer() ? serve() : join();
    }

    private int kill(final List<String> hosts) throws ReplicationException {
        final DollyOptions options = flags.options(Dialect.MODERN, new DollyNarrator(err(), flags));
        int killed = 0;
        for (final String host : hosts) {
            try {
                DollyKiller.kill(host, options);
                out().println(host + ": asked to end");
                killed++;
            } catch (final IOException e) {
                out().println(host + ": " + e.getMessage());
            }
        }
        out().println(killed + " of " + hosts.size() + " clients asked to end");
        return ExitCode.OK;
    }

    private int serve() throws IOException {
        final byte[] text;
        final DollyConfig config;
        final Dialect dialect;
        if (flags.configFile == null) {
            dialect = flags.dialect(null);
            config = flags.config(dialect);
            text = flags.text(config, dialect);
        } else {
            text = DollyFlags.read(flags.configFile);
            dialect = flags.dialect(text);
            config = DollyConfig.parse(flags.configFile.toString(), text, dialect);
            flags.requireServer(config);
        }
        if (flags.dummySeconds > 0 && config.dummy() == null) {
            throw ReplicationException.misuse("-t is for a configuration that begins with the keyword dummy");
        }
        if (config.dummy() != null && config.dummy().megabytes() == 0 && flags.dummySeconds == 0) {
            throw ReplicationException.misuse("dummy needs a size in MB in the configuration, or -t SECONDS");
        }
        final long uncompressed = flags.uncompressed == null ? 0 : Sizes.parse("-c", flags.uncompressed);
        flags.requireStatisticsPlace();
        final DollyNarrator narrator = new DollyNarrator(err(), flags);
        final DollyOptions options = flags.options(dialect, narrator);
        narrator.verbose("Writing host list: " + String.join(" ", config.hosts()));
        Narration.parameters(config, -1, flags.serverName(config), options).forEach(narrator::verbose);
        try (DollyServer server = DollyServer.of(
                        config,
                        text,
                        options,
                        flags.directories == null ? List.of() : DollyFlags.list(flags.directories),
                        flags.excludes == null ? List.of() : DollyFlags.list(flags.excludes),
                        Duration.ofSeconds(flags.dummySeconds));
                StopSignal signal = StopSignal.listen()) {
            signal.then(() -> closeQuietly(server));
            if (flags.wake) {
                server.wake();
            }
            final DollyReport report = server.run();
            report(Statistics.of(config, report, uncompressed), report, narrator);
            return report.ok() && !signal.received() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private void report(final Statistics statistics, final DollyReport report, final DollyNarrator narrator)
            throws IOException {
        if (report.ok()) {
            narrator.verbose("Clients done.");
        }
        statistics.lines().forEach(narrator::verbose);
        if (report.ok()) {
            narrator.verbose("Transmitted.");
        }
        for (final DollyNode node : report.nodes()) {
            out().println(
                            switch (node.state()) {
                                case PROVEN ->
                                    node.name() + ": ok, " + node.bytes() + " bytes, digest " + node.digest();
                                case ACKNOWLEDGED ->
                                    node.name() + ": acknowledged " + node.bytes() + " bytes"
                                            + (node.digest().isEmpty() ? " (a real dolly proves no more)" : "");
                                case FAILED -> node.name() + ": FAILED, " + node.reason();
                            });
        }
        out().printf(Locale.ROOT, "sent %d bytes, digest %s%n", report.bytes(), report.digest());
        out().flush();
        if (!report.ok()) {
            err().println("dolly: no copy at " + nodesWithout(report));
        }
        if (flags.statistics != null) {
            Files.writeString(
                    flags.statistics,
                    statistics.record(flags.verbose),
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }

    private static String nodesWithout(final DollyReport report) {
        final List<String> names = report.nodes().stream()
                .filter(node -> !node.ok())
                .map(DollyNode::name)
                .toList();
        return names.size() + " of " + report.nodes().size() + " clients: " + String.join(", ", names);
    }

    private int join() throws IOException {
        final DollyNarrator narrator = new DollyNarrator(err(), flags);
        final DollyOptions options = flags.options(Dialect.CLASSIC, narrator);
        try (DollyClient client = DollyClient.open(options);
                StopSignal signal = StopSignal.listen()) {
            signal.then(() -> closeQuietly(client));
            final DollyReport report = client.run();
            final boolean toStdout =
                    report.target().equals("-") || report.target().equals("/dev/stdout");
            (toStdout ? err() : out())
                    .printf(
                            Locale.ROOT,
                            "%s: received %d bytes, digest %s%n",
                            report.target(),
                            report.bytes(),
                            report.digest());
            for (final DollyNode node : report.nodes()) {
                if (!node.ok()) {
                    err().println("dolly: behind this node, " + node.name() + ": FAILED, " + node.reason());
                }
            }
            return report.ok() && !signal.received() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private static void closeQuietly(final @Nullable AutoCloseable node) {
        try {
            if (node != null) {
                node.close();
            }
        } catch (final Exception e) {
            // the run that this ends reports what it was doing
        }
    }
}
