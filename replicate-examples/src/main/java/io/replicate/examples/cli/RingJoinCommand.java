package io.replicate.examples.cli;

import io.replicate.ring.NodeListener;
import io.replicate.ring.NodeStatus;
import io.replicate.ring.RingNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "join", header = "Be a node of a ring: wait for a server, and receive one clone.")
final class RingJoinCommand extends AbstractCommand {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "TARGET",
            description = "The only target that may be written; without it, the one that the server names.")
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
            description = "How long to wait for a server (default: for ever).",
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

    @Option(names = "--progress", description = "Print where we are, a line a second.")
    private boolean progress;

    @Override
    int run() throws Exception {
        try (RingNode node = RingNode.builder(security.scheme() + "://" + listen + security.query())
                .secret(security.secret())
                .pin(pin)
                .force(force)
                .stateDir(state)
                .listener(new Lines())
                .open()) {
            err().println("ring: waiting for a server at " + node.local());
            err().flush();
            final Thread hook = new Thread(node::stop, "ring-stop");
            Runtime.getRuntime().addShutdownHook(hook);
            final Duration wait = waitSeconds > 0 ? Duration.ofSeconds(waitSeconds) : Duration.ofDays(3650);
            final RingNode.Outcome outcome = node.run(wait);
            if (outcome.ok()) {
                out().printf(
                                Locale.ROOT,
                                "%s: %d bytes%s%s%n",
                                outcome.target(),
                                outcome.bytes(),
                                outcome.resumedFrom() > 0 ? ", went on at offset " + outcome.resumedFrom() : "",
                                outcome.digest().isEmpty() ? "" : ", digest " + outcome.digest());
                return ExitCode.OK;
            }
            err().println("replicate: no copy at " + outcome.target() + ": " + outcome.reason());
            return ExitCode.FAILED;
        }
    }

    /** Prints what happens. */
    private final class Lines implements NodeListener {
        private long lastNs = System.nanoTime();

        @Override
        public synchronized void progress(final NodeStatus status) {
            final long now = System.nanoTime();
            if (progress && now - lastNs >= 1_000_000_000L) {
                lastNs = now;
                event("received " + status.received() + " written " + status.written() + " durable " + status.durable()
                        + " of " + status.sizeBytes());
            }
        }

        @Override
        public void event(final String text) {
            err().println("ring: " + text);
            err().flush();
        }
    }
}
