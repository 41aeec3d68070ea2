package io.replicate.cas.internal.http;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.replicate.core.spi.ReplicationException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** The event loops and connections of one client. Thread-safe. */
public final class HttpEngine implements AutoCloseable {
    private static final int MAX_LOOPS = 4;
    private static final long QUIET_MS = 0;
    private static final long SHUTDOWN_MS = 2_000;

    private final EventLoopGroup loops;
    private final Class<? extends SocketChannel> channelType;
    private final boolean insecure;
    private @Nullable SslContext tls;
    private final Map<String, HttpOrigin> origins = new ConcurrentHashMap<>();

    /**
     * Creates the event loops.
     *
     * @param insecure whether certificates of servers are taken unproven.
     * @param name of the threads.
     */
    public HttpEngine(final boolean insecure, final String name) {
        final boolean epoll = Epoll.isAvailable();
        final IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        final int threads = Math.max(1, Math.min(MAX_LOOPS, Runtime.getRuntime().availableProcessors()));
        this.insecure = insecure;
        this.loops = new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory(name, true), io);
        this.channelType = epoll ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    /** Returns what TLS needs, which takes a while to load: most stores of a cluster speak plain HTTP. */
    private synchronized SslContext tls() throws ReplicationException {
        SslContext known = tls;
        if (known == null) {
            try {
                final SslContextBuilder builder = SslContextBuilder.forClient();
                if (insecure) {
                    builder.trustManager(InsecureTrustManagerFactory.INSTANCE).endpointIdentificationAlgorithm("");
                }
                known = builder.build();
            } catch (final SSLException e) {
                throw ReplicationException.fail("TLS is not available: " + e.getMessage(), e);
            }
            tls = known;
        }
        return known;
    }

    /**
     * Returns the server of a URL {@code http(s)://host:port}, whose connections are shared by all who ask for it. The
     * limits of the first who asked hold.
     *
     * @throws ReplicationException MISUSE when the URL is none.
     */
    public HttpOrigin origin(final String url, final HttpLimits limits) throws ReplicationException {
        final HttpOrigin known = origins.get(url);
        if (known != null) {
            return known;
        }
        final HttpOrigin made = HttpOrigin.of(url, limits, loops, channelType, this::tls);
        final HttpOrigin raced = origins.putIfAbsent(url, made);
        return raced == null ? made : raced;
    }

    @Override
    public void close() {
        origins.values().forEach(HttpOrigin::close);
        loops.shutdownGracefully(QUIET_MS, SHUTDOWN_MS, TimeUnit.MILLISECONDS).awaitUninterruptibly(SHUTDOWN_MS);
    }
}
