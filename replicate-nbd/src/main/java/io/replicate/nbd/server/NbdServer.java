package io.replicate.nbd.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.replicate.core.net.NettyErrors;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.SameHost;
import io.replicate.nbd.tls.PskTls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NBD server: exports volumes to any number of clients.
 *
 * <pre>{@code
 * try (NbdServer server = NbdServer.builder().export(Export.of("disk", volume)).tcp(address).start()) {
 *     …
 * }
 * }</pre>
 *
 * <p>Protocol: doc/proto.md of the NetworkBlockDevice project; oldstyle on request. {@link #close()} finishes what is
 * under way, ends all connections and flushes the exports; the volumes stay open, they belong to whoever made them.
 * Safe for use by any thread.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private static final Duration DRAIN = Duration.ofSeconds(10);

    private final ServerSettings settings;
    private final MemoryBudget budget;
    private final EventLoopGroup loops;
    private final ThreadPoolExecutor workers;
    private final boolean oldstyle;
    private final List<Channel> listeners = new ArrayList<>();
    private final List<Path> unixPaths = new ArrayList<>();
    private final Map<Channel, Connection> connections = new ConcurrentHashMap<>();
    private final AtomicInteger clients = new AtomicInteger();
    private volatile boolean closing;

    private NbdServer(Builder builder) throws ReplicationException {
        this.settings = new ServerSettings(
                new ExportTable(builder.exports),
                builder.tls,
                builder.tlsRequired,
                builder.listing,
                builder.access,
                builder.limits);
        this.budget = new MemoryBudget(builder.limits.memoryBytes());
        this.oldstyle = builder.oldstyle;
        this.loops = Transports.loops(builder.loopThreads);
        this.workers = new ThreadPoolExecutor(
                builder.workerThreads,
                builder.workerThreads,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                new DefaultThreadFactory("nbd-worker", true));
        this.workers.allowCoreThreadTimeOut(true);
    }

    /** Returns a builder. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects what a server needs. Not safe for use by several threads. */
    public static final class Builder {
        private final List<Export> exports = new ArrayList<>();
        private final List<SocketAddress> addresses = new ArrayList<>();
        private final List<Path> unixPaths = new ArrayList<>();
        private final List<Integer> inherited = new ArrayList<>();
        private @Nullable TlsHandlers tls;
        private boolean tlsRequired;
        private boolean listing = true;
        private boolean oldstyle;
        private AccessList access = AccessList.everybody();
        private ServerLimits limits = ServerLimits.defaults();
        private int loopThreads = Math.max(1, Runtime.getRuntime().availableProcessors());
        private int workerThreads = 16;

        private Builder() {}

        /** Adds an export. The first one is also what the empty name means. */
        public Builder export(Export export) {
            exports.add(export);
            return this;
        }

        /** Listens on a TCP address; port 0 takes any that is free. */
        public Builder tcp(InetSocketAddress address) {
            addresses.add(address);
            return this;
        }

        /** Listens on a Unix socket; a socket that nobody answers any more is replaced. */
        public Builder unix(Path path) {
            unixPaths.add(path);
            return this;
        }

        /** Uses a listening socket that somebody else has opened: systemd socket activation. */
        public Builder inherited(int fd) {
            inherited.add(fd);
            return this;
        }

        /** Speaks TLS with clients that ask for it, or ({@code required}) with all. */
        public Builder tls(SslContext context, boolean required) {
            tls = TlsHandlers.of(context);
            tlsRequired = required;
            return this;
        }

        /** Speaks TLS with pre-shared keys with clients that ask for it, or ({@code required}) with all. */
        public Builder tls(PskTls keys, boolean required) {
            tls = TlsHandlers.of(keys);
            tlsRequired = required;
            return this;
        }

        /** Refuses to list the exports. */
        public Builder hideExports() {
            listing = false;
            return this;
        }

        /** Speaks the oldstyle dialect of flexnbd, for the first export alone. */
        public Builder oldstyle() {
            oldstyle = true;
            return this;
        }

        /** Lets only some peers in. */
        public Builder access(AccessList list) {
            access = list;
            return this;
        }

        /** Bounds what clients may use. */
        public Builder limits(ServerLimits bounds) {
            limits = bounds;
            return this;
        }

        /** Sets how many operations wait for disks at once; the default is 16. */
        public Builder workers(int threads) {
            workerThreads = threads;
            return this;
        }

        /**
         * Starts the server.
         *
         * @throws IOException with the address that could not be listened on.
         */
        public NbdServer start() throws IOException {
            if (addresses.isEmpty() && unixPaths.isEmpty() && inherited.isEmpty()) {
                throw ReplicationException.misuse("an NBD server needs an address to listen on");
            }
            final NbdServer server = new NbdServer(this);
            try {
                for (final int fd : inherited) {
                    final Channel listener = server.await(
                            server.bootstrap(Transports.inherited(fd)).register(), "descriptor " + fd);
                    listener.read(); // Netty does not begin by itself with a Unix socket that it has not bound
                    server.listeners.add(listener);
                }
                for (final SocketAddress address : addresses) {
                    server.listeners.add(server.await(
                            server.bootstrap(Transports.tcp())
                                    .option(ChannelOption.SO_REUSEADDR, true)
                                    .bind(address),
                            address.toString()));
                }
                for (final Path path : unixPaths) {
                    UnixPaths.removeStale(path);
                    server.listeners.add(server.await(
                            server.bootstrap(Transports.unix()).bind(Transports.unixAddress(path)), path.toString()));
                    server.unixPaths.add(path);
                }
                return server;
            } catch (final IOException | RuntimeException e) {
                server.close();
                throw e;
            }
        }
    }

    private ServerBootstrap bootstrap(ChannelFactory<ServerChannel> factory) {
        final long low = settings.limits().clientMemoryBytes() / 2;
        return new ServerBootstrap()
                .group(loops)
                .channelFactory(factory)
                .option(ChannelOption.SO_BACKLOG, 1024)
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT) // keeps even large buffers
                .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark((int) low, (int)
                        settings.limits().clientMemoryBytes()))
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        admit(channel);
                    }
                });
    }

    private void admit(Channel channel) {
        if (closing || !settings.access().allows(channel.remoteAddress())) {
            LOG.info("{}: not allowed: closed", PeerName.of(channel));
            channel.close();
            return;
        }
        if (clients.incrementAndGet() > settings.limits().clients()) {
            clients.decrementAndGet();
            LOG.info("{}: {} clients are connected already: closed", PeerName.of(channel), clients.get());
            channel.close();
            return;
        }
        final ReceiveBuffers receive = new ReceiveBuffers();
        channel.config().setRecvByteBufAllocator(receive);
        Transports.tune(channel);
        final Connection connection = new Connection(channel, settings, budget, workers, receive, oldstyle);
        connections.put(channel, connection);
        channel.closeFuture().addListener(closed -> {
            clients.decrementAndGet();
            connections.remove(channel);
        });
        channel.pipeline().addLast(connection);
    }

    private Channel await(ChannelFuture bound, String where) throws IOException {
        if (!bound.awaitUninterruptibly(10, TimeUnit.SECONDS) || !bound.isSuccess()) {
            final Throwable cause = bound.cause();
            throw ReplicationException.fail(
                    "cannot listen on " + where + ": " + (cause == null ? "timed out" : NettyErrors.reason(cause)),
                    cause);
        }
        SameHost.tune(bound.channel(), bound.channel().localAddress());
        return bound.channel();
    }

    /** Returns the addresses as bound, with true ports, in the order in which they were given. */
    public List<SocketAddress> addresses() {
        return listeners.stream()
                .map(listener -> listener.localAddress() == null
                        ? new DomainSocketAddress("") // inherited: Netty does not ask the kernel for its path
                        : listener.localAddress())
                .toList();
    }

    /** Returns the port of the first TCP address. */
    public int port() {
        return addresses().stream()
                .filter(InetSocketAddress.class::isInstance)
                .map(a -> ((InetSocketAddress) a).getPort())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the server does not listen on TCP"));
    }

    /** Returns how many clients are connected. */
    public int clients() {
        return clients.get();
    }

    /** Returns how many bytes of requests and replies are in memory. */
    public long memoryInUse() {
        return budget.held();
    }

    /** Returns the exports. */
    public List<Export> exports() {
        return settings.exports().all();
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
        }
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        for (final Path path : unixPaths) {
            Files.deleteIfExists(path);
        }
        connections.forEach((channel, connection) -> channel.eventLoop().execute(connection::shutdown));
        final long until = System.nanoTime() + DRAIN.toNanos();
        for (final Channel channel : connections.keySet()) {
            final long left = Math.max(1, until - System.nanoTime());
            if (!channel.closeFuture().awaitUninterruptibly(left, TimeUnit.NANOSECONDS)) {
                channel.close();
            }
        }
        workers.shutdown();
        boolean interrupted = false;
        try {
            if (!workers.awaitTermination(DRAIN.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("operations are still under way after {} s", DRAIN.toSeconds());
            }
        } catch (final InterruptedException e) {
            interrupted = true;
        }
        loops.shutdownGracefully(0, DRAIN.toSeconds(), TimeUnit.SECONDS).awaitUninterruptibly();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        flushExports();
    }

    private void flushExports() throws IOException {
        @Nullable IOException failure = null;
        for (final Export export : exports()) {
            try {
                if (!export.isReadOnly()) {
                    export.medium().flush();
                }
            } catch (final IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
