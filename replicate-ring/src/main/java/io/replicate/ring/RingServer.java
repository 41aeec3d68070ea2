package io.replicate.ring;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Transport;
import io.replicate.ring.internal.LinkGuard;
import io.replicate.ring.internal.RingNodeAddress;
import io.replicate.ring.internal.ServerRun;
import io.replicate.ring.internal.ServerSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The server of a ring: reads the source once and brings it to all nodes. A node that dies is bypassed, one that comes
 * back catches up.
 *
 * <pre>{@code
 * try (RingServer server = RingServer.builder(source, "sles.img", "/dev/sdb").nodes(List.of("n1", "n2")).open()) {
 *     List<NodeReport> reports = server.run();
 * }
 * }</pre>
 */
public final class RingServer implements AutoCloseable {
    /** The port of a node unless its address names one. */
    public static final int DEFAULT_PORT = 9990;

    private final ServerRun run;
    private final Transport transport;

    private RingServer(final ServerRun run, final Transport transport) {
        this.run = run;
        this.transport = transport;
    }

    /**
     * Returns a builder.
     *
     * @param source of a volume; closed by the caller, after the server.
     * @param image names the source and its state, so that a node recognises an unfinished copy of the same.
     * @param target template of the locator that each node writes: {@code %n} is its name, {@code %i} its number from 1.
     */
    public static Builder builder(final Source<Extent> source, final String image, final String target) {
        return new Builder(source, image, target);
    }

    /**
     * Runs the ring to its end; once.
     *
     * @return a report of every node; the copies are proven and committed where the state is DONE.
     * @throws ReplicationException the failure of the source, or CANCELLED.
     */
    public List<NodeReport> run() throws IOException {
        return run.run();
    }

    /** Returns a report of each node now. Any thread. */
    public List<NodeReport> reports() {
        return run.reports();
    }

    /** Returns how far the source has been read. Any thread. */
    public long position() {
        return run.position();
    }

    /** Returns the digest of the source in hexadecimal; empty before its end, and when nothing is verified. */
    public String digest() {
        return run.digest();
    }

    /** Returns how long the ring has run, or had run at its end, since it was formed. Any thread. */
    public Duration elapsed() {
        return run.elapsed();
    }

    /** Changes the rate while the ring runs. Any thread. */
    public void rateBytesPerSecond(final long rate) {
        run.rateBytesPerSecond(rate);
    }

    /** Asks {@link #run()} to end soon; the nodes keep what is durable for the next run. Any thread. */
    public void cancel() {
        run.cancel();
    }

    @Override
    public void close() throws IOException {
        run.close();
        transport.close();
    }

    /** Collects how a server shall work. */
    public static final class Builder {
        private static final int MAX_FANOUT = 8;
        private static final int MAX_PORT = 65535;
        private static final int MAX_STREAMS = 16;
        private static final int MAX_BLOCK_BYTES = 1 << 20;

        private final Source<Extent> source;
        private final String image;
        private final String target;
        private final List<String> nodes = new ArrayList<>();
        private @Nullable SharedSecret secret;
        private String scheme = "tcp";
        private String query = "";
        private int port = DEFAULT_PORT;
        private Verify verify = Verify.STREAM;
        private int fanout = 1;
        private int streams = 1;
        private LinkCompression compression = LinkCompression.NONE;
        private int blockBytes = MAX_BLOCK_BYTES;
        private int windowBlocks = 16;
        private long rateBytesPerSecond;
        private Duration maxWait = Duration.ofSeconds(30);
        private Duration linger = Duration.ZERO;
        private Duration heartbeat = Duration.ofMillis(400);
        private Duration deadAfter = Duration.ofSeconds(2);
        private boolean force;
        private RingListener listener = RingListener.SILENT;

        private Builder(final Source<Extent> source, final String image, final String target) {
            this.source = source;
            this.image = image;
            this.target = target;
        }

        /** Adds nodes, in the order of the chain: {@code HOST[:PORT][,HOST[:PORT]…]} (one node on several interfaces). */
        public Builder nodes(final List<String> addresses) {
            nodes.addAll(addresses);
            return this;
        }

        /** Sets the port of nodes whose address names none. */
        public Builder port(final int defaultPort) {
            port = inRange("port", defaultPort, 1, MAX_PORT);
            return this;
        }

        /** Sets the transport: a scheme, and parameters such as {@code ?certificates=/etc/pki/replicate}, or "". */
        public Builder transport(final String schemeName, final String parameters) {
            scheme = schemeName;
            query = parameters;
            return this;
        }

        /** Sets the secret that is proven to the nodes, and by them. */
        public Builder secret(final @Nullable SharedSecret shared) {
            secret = shared;
            return this;
        }

        /** Sets how copies are proven. */
        public Builder verify(final Verify how) {
            verify = how;
            return this;
        }

        /** Sets how many nodes each node feeds, 1 (a chain) to 8. */
        public Builder fanout(final int children) {
            fanout = inRange("fanout", children, 1, MAX_FANOUT);
            return this;
        }

        /** Sets how many links a hop has, 1 to 16. */
        public Builder streams(final int links) {
            streams = inRange("streams", links, 1, MAX_STREAMS);
            return this;
        }

        /** Sets how blocks are compressed where it pays. */
        public Builder compression(final LinkCompression method) {
            compression = method;
            return this;
        }

        /** Sets the largest block of data on the wire: a power of two from 4096 to 1 MiB. */
        public Builder blockBytes(final int bytes) {
            blockBytes = inRange("block size", bytes, 4096, MAX_BLOCK_BYTES);
            return this;
        }

        /** Sets how many blocks the server keeps in memory. */
        public Builder windowBlocks(final int blocks) {
            windowBlocks = inRange("window", blocks, 2, 1 << 16);
            return this;
        }

        /** Sets the rate at which the source is read; 0 for as fast as it goes. */
        public Builder rateBytesPerSecond(final long rate) {
            rateBytesPerSecond = rate;
            return this;
        }

        /** Sets how long the server waits for nodes before it begins without them. */
        public Builder maxWait(final Duration wait) {
            maxWait = wait;
            return this;
        }

        /** Sets how long the server waits, when all others are done, for nodes that are away; by default not at all. */
        public Builder linger(final Duration wait) {
            linger = wait;
            return this;
        }

        /** Sets how often an idle side says that it lives, and after how long a silence it is dead. */
        public Builder heartbeat(final Duration interval, final Duration dead) {
            heartbeat = interval;
            deadAfter = dead;
            return this;
        }

        /** Asks the nodes to overwrite mounted devices and the like; each must allow it too. */
        public Builder force(final boolean wanted) {
            force = wanted;
            return this;
        }

        /** Sets who is told how it gets on. */
        public Builder listener(final RingListener told) {
            listener = told;
            return this;
        }

        private static int inRange(final String name, final int value, final int min, final int max) {
            if (value < min || value > max) {
                throw new IllegalArgumentException(name + " " + value + " is not " + min + " to " + max);
            }
            return value;
        }

        /**
         * Makes the server; nothing is connected before {@link RingServer#run()}.
         *
         * @throws ReplicationException MISUSE when there is no node, one is named twice, or an address is wrong.
         */
        public RingServer open() throws IOException {
            final List<RingNodeAddress> addresses = new ArrayList<>();
            final Set<String> seen = new HashSet<>();
            for (final String node : nodes) {
                final RingNodeAddress address = RingNodeAddress.parse(node, port, scheme, query);
                for (final String one : address.addresses()) {
                    if (!seen.add(one)) {
                        throw ReplicationException.misuse("node '" + node + "' is named twice");
                    }
                }
                addresses.add(address);
            }
            if (addresses.isEmpty()) {
                throw ReplicationException.misuse("there is no node to clone to");
            }
            final Transport transport = Providers.transport(Locator.parse(scheme + "://" + query));
            final ServerSettings settings = new ServerSettings(
                    transport,
                    secret == null ? LinkGuard.NONE : LinkGuard.of(secret),
                    verify,
                    fanout,
                    streams,
                    compression.code(),
                    blockBytes,
                    windowBlocks,
                    rateBytesPerSecond,
                    maxWait,
                    linger,
                    heartbeat,
                    deadAfter,
                    force);
            return new RingServer(new ServerRun(source, image, target, addresses, settings, listener), transport);
        }
    }
}
