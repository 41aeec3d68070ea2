package io.replicate.ring;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import io.replicate.ring.internal.LinkGuard;
import io.replicate.ring.internal.NodeRun;
import io.replicate.ring.internal.NodeSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A node of a ring: waits for a server, stores what comes in, and feeds whom the server names. One copy for each call of
 * {@link #run(Duration)}.
 *
 * <pre>{@code
 * try (RingNode node = RingNode.builder("tcp://:9990").secret(secret).pin("/dev/sdb").open()) {
 *     RingNode.Outcome outcome = node.run(Duration.ofMinutes(10));
 * }
 * }</pre>
 */
public final class RingNode implements AutoCloseable {
    private final NodeRun run;
    private final Listener listener;
    private final Transport transport;

    private RingNode(final NodeRun run, final Listener listener, final Transport transport) {
        this.run = run;
        this.listener = listener;
        this.transport = transport;
    }

    /**
     * How a node's copy ended.
     *
     * @param ok whether the copy is committed, and proven as the server asked.
     * @param name of the node, as the server calls it.
     * @param target that was written.
     * @param bytes of the volume.
     * @param resumedFrom how many of them were there already.
     * @param digest of the copy in hexadecimal, empty when it was not verified.
     * @param reason why there is no copy; empty when there is.
     */
    public record Outcome(
            boolean ok, String name, String target, long bytes, long resumedFrom, String digest, String reason) {}

    /** Returns a builder of a node that listens at an address such as {@code tcp://:9990}. */
    public static Builder builder(final String address) {
        return new Builder(address);
    }

    /** Returns the address as bound, with the true port. */
    public Locator local() {
        return listener.local();
    }

    /**
     * Waits for a server and takes part in its run.
     *
     * @param firstWait how long to wait for a server at all.
     * @throws ReplicationException RETRY when none came, CANCELLED when stopped.
     */
    public Outcome run(final Duration firstWait) throws IOException {
        final NodeRun.Outcome end = run.run(firstWait);
        return new Outcome(
                end.ok(), end.name(), end.target(), end.bytes(), end.resumedFrom(), end.digest(), end.reason());
    }

    /** Asks {@link #run(Duration)} to end soon; what is durable is kept for the next run. Any thread. */
    public void stop() {
        run.stop();
    }

    @Override
    public void close() throws IOException {
        run.close();
        transport.close();
    }

    /** Collects how a node shall work. */
    public static final class Builder {
        private final String address;
        private @Nullable SharedSecret secret;
        private @Nullable String pin;
        private boolean force;
        private boolean resumable = true;
        private Path stateDir = Path.of("/var/lib/replicate");
        private Duration checkpointInterval = Duration.ofSeconds(5);
        private Duration serverWait = Duration.ofSeconds(10);
        private int windowBlocks = 16;
        private NodeListener listener = NodeListener.SILENT;

        private Builder(final String address) {
            this.address = address;
        }

        /** Sets the secret that servers and other nodes must know; without one every server is obeyed. */
        public Builder secret(final @Nullable SharedSecret shared) {
            secret = shared;
            return this;
        }

        /** Sets the only target that may be written; without one the server's target is. */
        public Builder pin(final @Nullable String locator) {
            pin = locator;
            return this;
        }

        /** Allows a server to overwrite mounted devices and the like. */
        public Builder force(final boolean allowed) {
            force = allowed;
            return this;
        }

        /** Sets whether an unfinished copy can be gone on with; it can by default. */
        public Builder resumable(final boolean kept) {
            resumable = kept;
            return this;
        }

        /** Sets where progress is kept for targets that are no regular files. */
        public Builder stateDir(final Path directory) {
            stateDir = directory;
            return this;
        }

        /** Sets how often what is written is made durable. */
        public Builder checkpointInterval(final Duration interval) {
            checkpointInterval = interval;
            return this;
        }

        /** Sets how long a copy waits for a server that was lost. */
        public Builder serverWait(final Duration wait) {
            serverWait = wait;
            return this;
        }

        /** Sets how many blocks of at most 1 MiB are kept in memory for the children. */
        public Builder windowBlocks(final int blocks) {
            windowBlocks = blocks;
            return this;
        }

        /** Sets who is told how it gets on. */
        public Builder listener(final NodeListener told) {
            listener = told;
            return this;
        }

        /** Binds the address. */
        public RingNode open() throws IOException {
            final Locator local = Locator.parse(address);
            final Transport transport = Providers.transport(local);
            final LinkGuard guard = secret == null ? LinkGuard.NONE : LinkGuard.of(secret);
            final NodeSettings settings = new NodeSettings(
                    transport,
                    guard,
                    pin,
                    force,
                    stateDir,
                    resumable,
                    checkpointInterval,
                    windowBlocks,
                    serverWait,
                    listener);
            final Listener bound = transport.listen(local);
            return new RingNode(new NodeRun(bound, settings), bound, transport);
        }
    }
}
