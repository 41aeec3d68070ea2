package io.replicate.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import io.replicate.core.net.NettyErrors;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdTls;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.SameHost;
import io.replicate.nbd.tls.PskHandler;
import io.replicate.nbd.tls.PskTls;
import java.io.IOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/** Connects to one server, as often as it is asked; its connections end when it is closed. Safe for use by any thread. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class Dialer implements AutoCloseable {
    /** How long a connection may take to be ready, handshake included. */
    private static final Duration CONNECT = Duration.ofSeconds(20);

    private final NbdAddress address;
    private final @Nullable SslContext tls;
    private final @Nullable PskTls psk;
    private final ClientLoops loops;

    Dialer(NbdAddress address) throws ReplicationException {
        this.address = address;
        this.psk =
                address.pskFile().isPresent() ? PskTls.client(address.pskFile().get(), address.user()) : null;
        this.tls = address.tls() && psk == null ? NbdTls.client(address.certificates(), address.verifyPeer()) : null;
        this.loops = ClientLoops.acquire();
    }

    @Override
    public void close() {
        loops.close();
    }

    /** What is done with a fresh connection, as long as it lasts. */
    private interface Use<T> {
        T with(Channel channel, HandshakeStream stream, ReceiveBuffers receive, ClientHandshake handshake)
                throws IOException;
    }

    private <T> T dial(Use<T> use) throws IOException {
        @Nullable ReplicationException refused = null;
        for (final SocketAddress at : address.socketAddresses(ClientLoops.epoll())) {
            final Opened opened;
            try {
                opened = connect(at);
            } catch (final ReplicationException e) {
                refused = e;
                continue;
            }
            try {
                return use.with(
                        opened.channel(),
                        opened.stream(),
                        opened.receive(),
                        new ClientHandshake(opened.stream(), address, () -> startTls(opened.channel())));
            } catch (final IOException | RuntimeException e) {
                opened.channel().close().awaitUninterruptibly();
                opened.stream().discard();
                throw e;
            }
        }
        throw refused == null ? ReplicationException.retry("cannot connect to " + address.server(), null) : refused;
    }

    private record Opened(Channel channel, HandshakeStream stream, ReceiveBuffers receive) {}

    private Opened connect(SocketAddress at) throws ReplicationException {
        final ReceiveBuffers receive = new ReceiveBuffers();
        final HandshakeStream[] opened = new HandshakeStream[1];
        final ChannelFuture connecting = loops.bootstrap(address.socket() != null)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) CONNECT.toMillis())
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.config().setRecvByteBufAllocator(receive);
                        SameHost.tune(channel, at);
                        opened[0] = new HandshakeStream(channel, address.server(), CONNECT);
                        channel.pipeline().addLast(opened[0]);
                    }
                })
                .connect(at);
        if (!connecting.awaitUninterruptibly(CONNECT.toMillis(), TimeUnit.MILLISECONDS) || !connecting.isSuccess()) {
            connecting.channel().close();
            if (opened[0] != null) {
                opened[0].discard();
            }
            final Throwable cause = connecting.cause();
            throw ReplicationException.retry(
                    "cannot connect to " + address.server() + ": "
                            + (cause == null ? "no answer" : NettyErrors.reason(cause)),
                    cause);
        }
        SameHost.tune(connecting.channel());
        return new Opened(connecting.channel(), opened[0], receive);
    }

    private void startTls(Channel channel) throws IOException {
        if (psk != null) {
            final PskHandler handler = psk.clientHandler(CONNECT);
            startTls(channel, handler, handler::handshakeFuture);
        } else if (tls != null) {
            final SslHandler handler = certificateHandler(channel, tls);
            startTls(channel, handler, handler::handshakeFuture);
        } else {
            throw new IllegalStateException("no TLS was asked for");
        }
    }

    private SslHandler certificateHandler(Channel channel, SslContext context) {
        final String host = address.hostname().orElse(address.host().isEmpty() ? "localhost" : address.host());
        final SslHandler handler = context.newHandler(channel.alloc(), host, -1);
        if (address.verifyPeer()) {
            final SSLParameters parameters = handler.engine().getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            handler.engine().setSSLParameters(parameters);
        }
        handler.setHandshakeTimeoutMillis(CONNECT.toMillis());
        return handler;
    }

    private void startTls(Channel channel, ChannelHandler handler, Supplier<Future<Channel>> handshake)
            throws IOException {
        channel.eventLoop().submit(() -> channel.pipeline().addFirst(handler)).awaitUninterruptibly();
        final Future<Channel> done = handshake.get();
        if (!done.awaitUninterruptibly(CONNECT.toMillis()) || !done.isSuccess()) {
            final Throwable cause = done.cause();
            throw ReplicationException.fail(
                    address.server() + ": TLS failed: " + (cause == null ? "no answer" : cause.getMessage()), cause);
        }
    }

    /** Opens the export and enters the transmission phase, with these metadata contexts where the server has them. */
    Wire open(List<String> contexts) throws IOException {
        return dial((channel, stream, receive, handshake) -> {
            final List<ExportInfo.Context> selected = new ArrayList<>();
            if (handshake.begin()) {
                if (!contexts.isEmpty()) {
                    selected.addAll(handshake.contexts(Nbd.OPT_SET_META_CONTEXT, contexts));
                }
                handshake.go();
            } else if (!handshake.isOldstyle()) {
                handshake.exportName();
            }
            final Wire wire = new Wire(channel, address, handshake.result(selected), receive);
            channel.eventLoop()
                    .submit(() -> {
                        final ByteBuf left = stream.finish();
                        channel.pipeline().replace(stream, "wire", wire);
                        channel.pipeline().context(wire).fireChannelRead(left);
                        if (!channel.isActive()) {
                            channel.pipeline().fireChannelInactive();
                        }
                    })
                    .awaitUninterruptibly();
            return wire;
        });
    }

    /** Asks for the export's properties and the metadata contexts it has, and leaves. */
    ExportInfo info() throws IOException {
        return dial((channel, stream, receive, handshake) -> {
            List<ExportInfo.Context> contexts = List.of();
            if (handshake.begin()) {
                contexts = handshake.contexts(Nbd.OPT_LIST_META_CONTEXT, List.of());
                handshake.go(); // INFO is not to be trusted: nbd-server answers it with a size of 0
            } else if (!handshake.isOldstyle()) {
                handshake.exportName();
            }
            final ExportInfo info = handshake.result(contexts);
            leave(channel, stream);
            return info;
        });
    }

    /** Lists the server's exports: name and description. */
    Map<String, String> list() throws IOException {
        return dial((channel, stream, receive, handshake) -> {
            if (!handshake.begin()) {
                throw ReplicationException.misuse(address.server() + ": the server is too old to list its exports");
            }
            final Map<String, String> exports = new LinkedHashMap<>(handshake.list());
            handshake.abort();
            leave(channel, stream);
            return exports;
        });
    }

    private static void leave(Channel channel, HandshakeStream stream) {
        channel.close().awaitUninterruptibly();
        stream.discard();
    }
}
