package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.NodeListener;
import io.replicate.ring.NodeStatus;
import io.replicate.ring.RingNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "join",
        header = "Be a node of a ring: wait for a server, and receive a clone.",
        defaultValueProvider = RingConfig.class)
final class RingJoinCommand extends AbstractCommand implements RingConfig.Configurable {
    private static final Duration FOR_EVER = Duration.ofDays(3650);

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "TARGET",
            description = "The only target that may be written (- for the standard output); without it, the one that"
                    + " the server names.")
    private @Nullable String pin;

    @Mixin
    private RingOptions security = new RingOptions();

    @Option(
            names = "--listen",
            paramLabel = "[HOST]:PORT",
            description = "Where to wait for the server and for the node before this one (default: all, port 9990).",
            defaultValue = ":9990")
    private String listen = ":9990";

    @Option(
            names = "--wait",
            paramLabel = "SECONDS",
            description = "How long to wait for a server; 0 for ever (default).",
            defaultValue = "0")
    private int waitSeconds;

    @Option(names = "--force", description = "Let the server overwrite mounted devices and the like.")
    private boolean force;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "Where progress is kept when the target is a device (default: ${DEFAULT-VALUE}).",
            defaultValue = "/var/lib/replicate")
    private Path state = Path.of("/var/lib/replicate");

    @Option(
            names = "--server-wait",
            paramLabel = "SECONDS",
            description = "How long an unfinished copy waits for a server that was lost (default: ${DEFAULT-VALUE}).",
            defaultValue = "60")
    private int serverWaitSeconds;

    @Option(
            names = "--window",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Memory for blocks that the nodes behind still need (default: 16M).",
            defaultValue = "16M")
    private long window;

    @Option(names = "--keep-serving", description = "Wait for the next server after each clone, until stopped.")
    private boolean keepServing;

    @Option(names = "--json", description = "Print events and results as JSON lines.")
    private boolean json;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "Take options from a file: NAME = VALUE lines, such as 'listen = :9991'.")
    private @Nullable Path config;

    @Option(names = "--progress", description = "Print where we are, a line a second.")
    private boolean progress;

    @Override
    public @Nullable Path config() {
        return config;
    }

    @Override
    int run() throws Exception {
        final @Nullable JsonLines lines = json ? new JsonLines(out()) : null;
        final boolean toStdout = "-".equals(pin);
        if (waitSeconds < 0 || serverWaitSeconds < 0) {
            throw ReplicationException.misuse("--wait and --server-wait take no negative number of seconds");
        }
        if (toStdout && json) {
            throw ReplicationException.misuse("--json and the clone cannot both go to the standard output");
        }
        try (StopSignal stop = StopSignal.listen()) {
            int code = once(stop, lines);
            while (keepServing && !stop.received()) {
                code = once(stop, lines);
            }
            return code;
        } catch (final ReplicationException e) {
            if (lines != null) {
                lines.event("error", Map.of("message", String.valueOf(e.getMessage())));
            }
            throw e;
        }
    }

    private int once(final StopSignal stop, final @Nullable JsonLines lines) throws IOException {
        try (RingNode node = RingNode.builder(security.scheme() + "://" + listen + security.query())
                .secret(security.secret())
                .pin("-".equals(pin) ? "stdio:" : pin)
                .force(force)
                .stateDir(state)
                .serverWait(Duration.ofSeconds(serverWaitSeconds))
                .windowBlocks(RingOptions.blocks(window))
                .listener(new Lines(lines))
                .open()) {
            stop.then(node::stop);
            if (lines != null) {
                lines.event("waiting", Map.of("address", node.local().text()));
            } else {
                err().println("ring: waiting for a server at " + node.local());
                err().flush();
            }
            final Duration wait = waitSeconds > 0 ? Duration.ofSeconds(waitSeconds) : FOR_EVER;
            final RingNode.Outcome outcome;
            try {
                outcome = node.run(wait);
            } catch (final ReplicationException e) {
                if (stop.received() && e.category() == ReplicationException.Category.CANCELLED) {
                    err().println("ring: stopped; what is durable is kept: the same command goes on from there");
                    return ExitCode.FAILED;
                }
                throw e;
            }
            report(outcome, lines);
            return outcome.ok() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private void report(final RingNode.Outcome outcome, final @Nullable JsonLines lines) {
        if (lines != null) {
            final Map<String, Object> members = new LinkedHashMap<>();
            members.put("ok", outcome.ok());
            members.put("name", outcome.name());
            members.put("target", outcome.target());
            members.put("bytes", outcome.bytes());
            members.put("resumedFrom", outcome.resumedFrom());
            members.put("digest", outcome.digest().isEmpty() ? null : outcome.digest());
            members.put("reason", outcome.ok() ? null : outcome.reason());
            lines.event("result", members);
        } else if (outcome.ok()) {
            (outcome.target().startsWith("stdio:") ? err() : out())
                    .printf(
                            Locale.ROOT,
                            "%s: %d bytes%s%s%n",
                            outcome.target(),
                            outcome.bytes(),
                            outcome.resumedFrom() > 0 ? ", went on at offset " + outcome.resumedFrom() : "",
                            outcome.digest().isEmpty() ? "" : ", digest " + outcome.digest());
        } else {
            err().println("replicate: no copy at " + outcome.target() + ": " + outcome.reason());
        }
    }

    /** Prints what happens. */
    private final class Lines implements NodeListener {
        private final @Nullable JsonLines lines;
        private long lastNs = System.nanoTime();

        Lines(final @Nullable JsonLines lines) {
            this.lines = lines;
        }

        @Override
        public synchronized void progress(final NodeStatus status) {
            final long now = System.nanoTime();
            if (progress && now - lastNs >= 1_000_000_000L) {
                lastNs = now;
                if (lines != null) {
                    lines.event(
                            "progress",
                            Map.of(
                                    "received", status.received(),
                                    "written", status.written(),
                                    "durable", status.durable()));
                    return;
                }
                event("received " + status.received() + " written " + status.written() + " durable " + status.durable()
                        + " of " + status.sizeBytes());
            }
        }

        @Override
        public void event(final String text) {
            if (lines != null) {
                lines.event("event", Map.of("text", text));
                return;
            }
            err().println("ring: " + text);
            err().flush();
        }
    }
}
