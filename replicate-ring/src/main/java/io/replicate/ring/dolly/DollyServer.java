package io.replicate.ring.dolly;

import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The server of a dolly ring: configures the clients, sends the source, and collects who has it. Real dolly clients and
 * ours can be mixed. One run.
 *
 * <pre>{@code
 * DollyConfig config = DollyConfig.of("/tmp/sle15.sif", "/data/sle15.sif", "sle15-dolly1", List.of("n1", "n2"));
 * DollyReport report = DollyServer.of(config, options).run();
 * }</pre>
 */
public final class DollyServer implements AutoCloseable {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int BLOCKS_PER_CHILD = 10;
    private static final long DUMMY_UNIT = 1 << 20;

    private final DollyConfig config;
    private final byte[] wire;
    private final DollyOptions options;
    private final List<String> directories;
    private final List<String> excludes;
    private final Duration dummyTime;
    private final Sockets sockets;
    private volatile boolean closed;
    private volatile Runnable onClose = () -> {};

    private DollyServer(
            final DollyConfig config,
            final byte[] wire,
            final DollyOptions options,
            final List<String> directories,
            final List<String> excludes,
            final Duration dummyTime)
            throws IOException {
        this.config = config;
        this.wire = wire;
        this.options = options;
        this.directories = directories;
        this.excludes = excludes;
        this.dummyTime = dummyTime;
        this.sockets = new Sockets(options);
    }

    /** Returns a server that writes the configuration itself. */
    public static DollyServer of(final DollyConfig config, final DollyOptions options) throws IOException {
        return of(config, config.generate(options.dialect()), options, List.of(), List.of(), Duration.ZERO);
    }

    /**
     * Returns a server.
     *
     * @param text of the configuration, which goes to the clients as it is.
     * @param directories to send as a tar stream instead of the configuration's source.
     * @param excludes patterns of what is left out of them.
     * @param dummyTime how long a dummy run lasts; zero for as much as the configuration says.
     * @throws ReplicationException MISUSE when no client could read the configuration.
     */
    public static DollyServer of(
            final DollyConfig config,
            final byte[] text,
            final DollyOptions options,
            final List<String> directories,
            final List<String> excludes,
            final Duration dummyTime)
            throws IOException {
        return new DollyServer(config, wire(text), options, List.copyOf(directories), List.copyOf(excludes), dummyTime);
    }

    /**
     * Returns the configuration as it is sent: with a line end, without carriage returns, which old nodes would take for
     * a part of names, and never of the length at which old nodes read on.
     */
    static byte[] wire(final byte[] text) throws ReplicationException {
        String all = new String(text, StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
        if (all.stripTrailing().endsWith("endconfig") && !all.endsWith("\n")) {
            all += "\n";
        }
        final byte[] bytes = ChildDoor.wire(all.getBytes(StandardCharsets.ISO_8859_1));
        if (bytes.length > DollyConfig.MAX_WIRE_BYTES) {
            throw ReplicationException.misuse("the configuration has " + bytes.length + " bytes, but dolly's clients"
                    + " read at most " + DollyConfig.MAX_WIRE_BYTES
                    + "; use shorter names, or fewer clients, or 'replicate ring'");
        }
        return bytes;
    }

    /** Asks systemd on all clients to start dolly. */
    public void wake() {
        for (final String host : config.hosts()) {
            sockets.wake(host, Duration.ofSeconds(5));
        }
    }

    /**
     * Runs the ring to its end; once.
     *
     * @return what became of every client; also when some have failed.
     * @throws ReplicationException when there is no whole stream, or no client is left.
     */
    public DollyReport run() throws IOException {
        final DollyListener listener = options.listener();
        final boolean directory = isDirectory();
        try (StreamSource source = open(directory);
                Outflow outflow = new Outflow(
                        new Outflow.Plan(
                                config, new ConfigText(wire), options.dialect(), directory, Topology.SERVER, options),
                        sockets,
                        this::flowsBack,
                        () -> !closed)) {
            outflow.history(source.history());
            onClose = outflow::close;
            listener.verbose("Trying to build ring...");
            outflow.connect(() -> true);
            if (!outflow.hasChildren()) {
                throw ReplicationException.fail("no client can be reached: " + outflow.reasons(), null);
            }
            listener.verbose("Waiting for ring to build...");
            listen();
            outflow.awaitReady(options.startWait().multipliedBy(2));
            listener.verbose("Accepted.");
            listener.verbose("Server: Sending data...");
            final long beginNs = System.nanoTime();
            final ExtentDigest digest = new ExtentDigest();
            final long total;
            try {
                total = send(source, outflow, digest);
            } catch (final IOException e) {
                outflow.abort(String.valueOf(e.getMessage()));
                throw e;
            }
            listener.verbose("Read " + total + " bytes from file(s).");
            listener.verbose("Writing maxbytes = " + total + " to ctrlout");
            outflow.end(total, false);
            final String hex = digest.finish().hex();
            outflow.sum(hex);
            outflow.drain(true);
            listener.moved(true, total);
            listener.verbose("Synced.");
            for (int i = 0; i < config.topology().childrenOf(Topology.SERVER).size(); i++) {
                listener.verbose("Waiting for child " + i + ".");
            }
            outflow.awaitAcknowledgements(options.finishWait());
            final Duration elapsed = Duration.ofNanos(Math.max(1, System.nanoTime() - beginNs));
            return new DollyReport(config.outfile(), total, hex, elapsed, outflow.results());
        } finally {
            close();
        }
    }

    private boolean isDirectory() {
        return !directories.isEmpty()
                || (options.dialect() == Dialect.MODERN
                        && !config.infile().isEmpty()
                        && Files.isDirectory(Path.of(config.infile())));
    }

    private StreamSource open(final boolean directory) throws IOException {
        if (config.dummy() != null) {
            return new DummySource(config.dummy().megabytes() * DUMMY_UNIT, dummyTime);
        }
        if (directory) {
            final List<String> names = directories.isEmpty() ? List.of(config.infile()) : directories;
            return new TarSource(names, excludes, options.listener());
        }
        return Sources.open(config);
    }

    private long send(final StreamSource source, final Outflow outflow, final ExtentDigest digest) throws IOException {
        final int blocks =
                BLOCKS_PER_CHILD * config.topology().childrenOf(Topology.SERVER).size() + 4;
        final CRC32C crc = new CRC32C();
        long position = 0;
        try (BlockPool pool = new BlockPool(BLOCK_BYTES, blocks)) {
            while (true) {
                final @Nullable Piece piece = source.next(pool, crc, position);
                if (piece == null) {
                    return position;
                }
                try {
                    if (closed) {
                        throw new ReplicationException(ReplicationException.Category.CANCELLED, "stopped");
                    }
                    outflow.offer(piece);
                    piece.addTo(digest);
                    position = piece.end();
                } finally {
                    piece.release();
                }
                if (!outflow.isAlive()) {
                    throw ReplicationException.fail("no client is left: " + outflow.reasons(), null);
                }
                options.listener().moved(true, position);
            }
        }
    }

    private final List<String> seen = new ArrayList<>();
    private final List<String> early = new ArrayList<>();
    private boolean listening;

    /** What clients have said meanwhile is told behind the line that says that it is waited for, as dolly does. */
    private synchronized void listen() {
        listening = true;
        early.forEach(this::flowsBack);
        early.clear();
    }

    private synchronized void flowsBack(final String line) {
        if (line.startsWith("+")) {
            return;
        }
        if (!listening) {
            early.add(line);
            return;
        }
        final String plain = Extension.plain(line);
        seen.add(plain);
        options.listener().verbose(plain);
        final long ready = config.hosts().stream()
                .filter(host -> seen.contains(options.dialect().ready(host)))
                .count();
        options.listener()
                .verbose("Machines left to wait for: " + (config.hosts().size() - ready));
    }

    /** Ends a run that is under way, soon; the clients are left without the end of the data. Any thread. */
    @Override
    public void close() throws IOException {
        closed = true;
        onClose.run();
        sockets.close();
    }
}
