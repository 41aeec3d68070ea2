package io.replicate.cas.internal.http;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/** One server: its idle connections, and how many exchanges it is given at once. Thread-safe. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a close or a write is heard by the handler
public final class HttpOrigin {
    private static final int MAX_RECEIVE_BYTES = 1 << 17;

    private final String url;
    private final String host;
    private final int port;
    private final HttpLimits limits;
    private final StoreGate gate;
    private final Bootstrap bootstrap;
    private final ConcurrentLinkedDeque<Channel> idle = new ConcurrentLinkedDeque<>();
    private volatile boolean closed;

    private HttpOrigin(
            final String url, final String host, final int port, final HttpLimits limits, final Bootstrap bootstrap) {
        this.url = url;
        this.host = host;
        this.port = port;
        this.limits = limits;
        this.gate = new StoreGate(limits.maxConcurrent());
        this.bootstrap = bootstrap;
    }

    /** Gives what TLS needs, when it is needed. */
    interface Tls {
        SslContext context() throws ReplicationException;
    }

    static HttpOrigin of(
            final String url,
            final HttpLimits limits,
            final EventLoopGroup loops,
            final Class<? extends SocketChannel> channelType,
            final Tls tls)
            throws ReplicationException {
        final URI uri;
        try {
            uri = new URI(url);
        } catch (final URISyntaxException e) {
            throw ReplicationException.misuse("server '" + url + "': " + e.getReason());
        }
        final boolean secure = "https".equals(uri.getScheme());
        if (uri.getHost() == null || !(secure || "http".equals(uri.getScheme()))) {
            throw ReplicationException.misuse("server '" + url + "': expected http://HOST:PORT or https://HOST:PORT");
        }
        final SslContext context = secure ? tls.context() : null;
        final int port = uri.getPort() > 0 ? uri.getPort() : secure ? 443 : 80;
        final String host = uri.getHost().replaceAll("[\\[\\]]", "");
        final Bootstrap bootstrap = new Bootstrap()
                .group(loops)
                .channel(channelType)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_KEEPALIVE, true)
                // A server that refuses a body early closes its reading end: what it said must still be read.
                .option(ChannelOption.AUTO_CLOSE, false)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int)
                        limits.connect().toMillis())
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(2048, 1 << 16, MAX_RECEIVE_BYTES))
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(final SocketChannel channel) {
                        if (context != null) {
                            final SslHandler handler = context.newHandler(channel.alloc(), host, port);
                            handler.setHandshakeTimeoutMillis(
                                    2 * limits.connect().toMillis());
                            channel.pipeline().addLast(handler);
                        }
                        channel.pipeline()
                                .addLast(
                                        new HttpClientCodec(
                                                new HttpDecoderConfig().setMaxChunkSize(MAX_RECEIVE_BYTES),
                                                false,
                                                false),
                                        new ExchangeHandler());
                    }
                });
        return new HttpOrigin(url, host, port, limits, bootstrap);
    }

    /** Returns the URL that the server was asked for by. */
    public String url() {
        return url;
    }

    /** Returns how long exchanges may stand still. */
    HttpLimits limits() {
        return limits;
    }

    /** Returns what holds back requests to this server. */
    public StoreGate gate() {
        return gate;
    }

    /**
     * Begins an exchange, and waits before that until the server may be given one more.
     *
     * @throws ReplicationException CANCELLED when the cancellation is requested while waiting.
     */
    public HttpExchange start(final HttpCall call, final Cancellation cancellation) throws IOException {
        gate.enter(cancellation);
        boolean begun = false;
        try {
            final HttpExchange exchange = new HttpExchange(this, call);
            final Channel channel = takeIdle();
            if (channel == null) {
                connect(exchange);
            } else {
                exchange.sendOn(channel, true);
            }
            begun = true;
            return exchange;
        } finally {
            if (!begun) {
                gate.leave();
            }
        }
    }

    private @Nullable Channel takeIdle() {
        for (Channel channel = idle.pollFirst(); channel != null; channel = idle.pollFirst()) {
            if (channel.isActive()) {
                return channel;
            }
        }
        return null;
    }

    void giveBack(final Channel channel) {
        if (closed || !channel.isActive()) {
            channel.close();
        } else {
            idle.addFirst(channel);
        }
    }

    void connect(final HttpExchange exchange) {
        final InetAddress address;
        try {
            address = InetAddress.getByName(host);
        } catch (final UnknownHostException e) {
            exchange.fail(ReplicationException.retry("cannot reach " + url + ": lookup " + host + ": no such host", e));
            return;
        }
        final ChannelFuture connecting = bootstrap.connect(new InetSocketAddress(address, port));
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                exchange.fail(unreachable(done.cause()));
                return;
            }
            final Channel channel = connecting.channel();
            final SslHandler secure = channel.pipeline().get(SslHandler.class);
            if (secure == null) {
                exchange.sendOn(channel, false);
                return;
            }
            secure.handshakeFuture().addListener(shaken -> {
                if (shaken.isSuccess()) {
                    exchange.sendOn(channel, false);
                } else {
                    channel.close();
                    exchange.fail(ReplicationException.fail(
                            "TLS with " + url + " failed: " + rootMessage(shaken.cause())
                                    + " (set ARVADOS_API_HOST_INSECURE=1 to accept a self-signed certificate)",
                            shaken.cause()));
                }
            });
        });
    }

    private ReplicationException unreachable(final Throwable cause) {
        final String message = String.valueOf(cause.getMessage());
        final String why = message.startsWith("Connection refused") || message.contains("Connection refused")
                ? "connection refused"
                : message;
        return ReplicationException.retry("cannot reach " + url + ": " + why, cause);
    }

    private static String rootMessage(final Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }

    String hostHeader() {
        final String shown = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return shown + ":" + port;
    }

    void close() {
        closed = true;
        for (Channel channel = idle.pollFirst(); channel != null; channel = idle.pollFirst()) {
            channel.close();
        }
    }
}
