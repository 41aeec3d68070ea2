package io.replicate.examples.demo;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Source;
import io.replicate.ring.NodeReport;
import io.replicate.ring.NodeState;
import io.replicate.ring.RingListener;
import io.replicate.ring.RingServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Clones a real image through four real processes, and kills one of them on the way. */
public final class Demo implements AutoCloseable {
    private static final int NODES = 4;
    private static final long RATE = 60L << 20;
    private static final double KILL_FROM = 0.30;
    private static final double KILL_TO = 0.70;

    private final PrintWriter out;
    private final NodeLines lines;
    private final long seed;
    private final Random random;
    private final List<NodeProcess> nodes = new CopyOnWriteArrayList<>();

    /** Creates a demonstration that prints to {@code out} and shows progress on {@code lines}. */
    public Demo(final PrintWriter out, final NodeLines lines, final long seed) {
        this.out = out;
        this.lines = lines;
        this.seed = seed;
        this.random = new Random(seed);
    }

    /** What happened. */
    public record Outcome(List<NodeReport> reports, String digest, boolean survivorsIdentical) {}

    /** Runs in a directory, which must exist and be empty. */
    @SuppressWarnings("unchecked") // a file is a source of extents
    public Outcome run(final Path directory) throws IOException, InterruptedException {
        final Path image = directory.resolve("source.img");
        out.println("making " + DemoImage.make(image, directory, seed) + ": " + image);
        final Path secret = newSecret(directory.resolve("secret"));
        final Locator locator = Locator.file(image.toString());
        try (Source<Extent> source = (Source<Extent>) Providers.source(locator)) {
            for (int i = 1; i <= NODES; i++) {
                nodes.add(NodeProcess.start(directory.resolve("node-" + i + ".img"), secret));
            }
            out.println("started " + NODES + " nodes: "
                    + String.join(
                            ", ",
                            nodes.stream()
                                    .map(n -> n.address() + " (pid " + n.pid() + ")")
                                    .toList()));
            out.println("cloning at " + (RATE >> 20) + " MiB/s, so that there is something to see (seed " + seed + ")");
            out.flush();
            return clone(source, directory, secret);
        } finally {
            close();
        }
    }

    /** Ends the processes of the nodes. Any thread. */
    @Override
    public void close() {
        nodes.forEach(NodeProcess::close);
    }

    private Outcome clone(final Source<Extent> source, final Path directory, final Path secret)
            throws IOException, InterruptedException {
        try (RingServer server = RingServer.builder(
                        source, "demo", directory.resolve("node-%i.img").toString())
                .nodes(nodes.stream().map(NodeProcess::address).toList())
                .secret(SharedSecret.load(secret))
                .rateBytesPerSecond(RATE)
                .listener(new Heard())
                .open()) {
            final AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
            final List<NodeReport> reports = new ArrayList<>();
            final Thread run = new Thread(
                    () -> {
                        try {
                            reports.addAll(server.run());
                        } catch (final IOException e) {
                            failure.set(e);
                        }
                    },
                    "demo-ring");
            run.start();
            watch(server, source, run);
            final @Nullable IOException thrown = failure.get();
            if (thrown != null) {
                throw thrown;
            }
            return new Outcome(reports, server.digest(), survivorsEqual(directory, reports));
        }
    }

    private void watch(final RingServer server, final Source<Extent> source, final Thread run)
            throws IOException, InterruptedException {
        final int victim = random.nextInt(NODES);
        final double part = KILL_FROM + (KILL_TO - KILL_FROM) * random.nextDouble();
        final DataMap data = DataMap.of(source);
        final long killAt = data.offsetOf(part);
        boolean killed = false;
        while (run.isAlive()) {
            final List<NodeReport> reports = server.reports();
            if (!killed && server.position() >= killAt) {
                nodes.get(victim).kill();
                killed = true;
                lines.say(String.format(
                        "killed node %d (%s, pid %d) with SIGKILL at offset %d, %.0f %% of the transfer",
                        victim + 1,
                        nodes.get(victim).address(),
                        nodes.get(victim).pid(),
                        server.position(),
                        100 * part));
            }
            lines.show(reports, data);
            run.join(killed ? 100 : 10);
        }
        lines.show(server.reports(), data);
        lines.close();
    }

    /** Compares every surviving copy with the source, byte for byte, apart from what the ring itself has proven. */
    private static boolean survivorsEqual(final Path directory, final List<NodeReport> reports) throws IOException {
        int equal = 0;
        int survivors = 0;
        for (int i = 0; i < reports.size(); i++) {
            if (reports.get(i).state() == NodeState.LOST) {
                continue;
            }
            survivors++;
            final Path copy = directory.resolve("node-" + (i + 1) + ".img");
            if (Files.exists(copy) && Files.mismatch(directory.resolve("source.img"), copy) == -1) {
                equal++;
            }
        }
        return survivors == NODES - 1 && equal == survivors;
    }

    /** Writes a secret that only this user can read. */
    private static Path newSecret(final Path file) throws IOException {
        final byte[] bytes = new byte[16];
        new SecureRandom().nextBytes(bytes);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(file, HexFormat.of().formatHex(bytes));
    }

    /** Passes on what the ring says about healing. */
    private final class Heard implements RingListener {
        @Override
        public void event(final String text) {
            lines.say(text);
        }

        @Override
        public void nodeChanged(final NodeReport node, final String why) {
            if (node.state() == NodeState.LOST || node.state() == NodeState.FAILED) {
                lines.say(node.name() + " is " + (node.state() == NodeState.LOST ? "lost: " : "out: ") + why);
            }
        }
    }
}
