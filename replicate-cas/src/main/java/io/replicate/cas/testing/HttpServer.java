package io.replicate.cas.testing;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An HTTP/1.1 server on the loopback; requests are answered on threads that may block, one at a time per connection. */
// A fake does not care what becomes of an answer, and hands arrays on.
@SuppressWarnings({"FutureReturnValueIgnored", "ArrayRecordComponent"})
final class HttpServer implements AutoCloseable {
    private static final int MAX_BODY_BYTES = (64 << 20) + 1;

    /** A request with its whole body. */
    record Request(String method, String path, Map<String, String> headers, byte[] body) {
        String header(final String name) {
            return headers.getOrDefault(name.toLowerCase(java.util.Locale.ROOT), "");
        }
    }

    /** What becomes of a connection behind an answer. */
    enum Ending {
        /** It is kept or closed as the answer says. */
        AS_SAID,
        /** It is closed, although the answer says that it is kept. */
        CLOSE,
        /** It is reset, where the answer's body was cut. */
        RESET
    }

    /** Answers requests. */
    interface Handler {
        /** Returns what becomes of connections. */
        default Ending ending() {
            return Ending.AS_SAID;
        }

        /** Returns an early answer for what can be refused before its body is read, or null. */
        @Nullable
        Answer refuse(Request withoutBody, long contentLength, boolean chunked);

        /** Returns the answer, or null to close the connection without one. */
        @Nullable
        Answer answer(Request request) throws IOException;
    }

    /** An answer with a body of known length; {@code cutAt} bytes of it are sent, and then the connection is closed. */
    record Answer(
            int status,
            Map<String, String> headers,
            byte[] body,
            int cutAt,
            @Nullable Trickle trickle) {
        static Answer of(final int status, final String text) {
            return new Answer(
                    status, Map.of(), text.getBytes(java.nio.charset.StandardCharsets.UTF_8), Integer.MAX_VALUE, null);
        }

        Answer with(final String name, final String value) {
            final Map<String, String> more = new LinkedHashMap<>(headers);
            more.put(name, value);
            return new Answer(status, more, body, cutAt, trickle);
        }
    }

    /** Sends a body in pieces; blocks between them. A chunked answer. */
    interface Trickle {
        /** Returns the next piece, null behind the last. */
        byte @Nullable [] next() throws InterruptedException;
    }

    private final EventLoopGroup loops =
            new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("fake-http", true), NioIoHandler.newFactory());
    private final ExecutorService workers = Executors.newCachedThreadPool(new DefaultThreadFactory("fake-work", true));
    private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Handler handler;
    private final boolean tls;
    private final InetSocketAddress address;
    private @Nullable Channel listener;

    HttpServer(final Handler handler, final boolean tls, final int port) {
        this.handler = handler;
        this.tls = tls;
        this.listener = listen(port);
        this.address = (InetSocketAddress) listener.localAddress();
    }

    private Channel listen(final int port) {
        final SslContext secure = tls ? tlsContext() : null;
        return new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(final SocketChannel channel) {
                        open.add(channel);
                        if (secure != null) {
                            channel.pipeline().addLast(secure.newHandler(channel.alloc()));
                        }
                        channel.pipeline().addLast(new HttpServerCodec(), new Connection());
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .syncUninterruptibly()
                .channel();
    }

    private static SslContext tlsContext() {
        try (InputStream certificate = HttpServer.class.getResourceAsStream("localhost.crt");
                InputStream key = HttpServer.class.getResourceAsStream("localhost.key")) {
            if (certificate == null || key == null) {
                throw new IllegalStateException("localhost.crt and localhost.key are not beside the classes");
            }
            return SslContextBuilder.forServer(certificate, key).build();
        } catch (final IOException e) {
            throw new IllegalStateException(e);
        }
    }

    int port() {
        return address.getPort();
    }

    /** Stops listening and drops all connections. */
    void down() {
        final Channel listening = listener;
        if (listening != null) {
            listening.close().syncUninterruptibly();
            open.close().syncUninterruptibly();
            listener = null;
        }
    }

    /** Listens again on the same port. */
    void up() {
        if (listener == null) {
            listener = listen(address.getPort());
        }
    }

    @Override
    public void close() {
        down();
        workers.shutdownNow();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1000);
    }

    private static Map<String, String> lowerCase(final HttpHeaders headers) {
        final Map<String, String> all = new LinkedHashMap<>();
        headers.forEach(header -> all.put(header.getKey().toLowerCase(java.util.Locale.ROOT), header.getValue()));
        return all;
    }

    private final class Connection extends SimpleChannelInboundHandler<HttpObject> {
        private @Nullable HttpRequest head;
        private @Nullable CompositeByteBuf body;
        private boolean refused;

        @Override
        protected void channelRead0(final ChannelHandlerContext context, final HttpObject message) {
            if (message instanceof HttpRequest request) {
                begin(context, request);
            }
            if (message instanceof HttpContent content && !refused) {
                add(context, content);
            }
        }

        private void begin(final ChannelHandlerContext context, final HttpRequest request) {
            head = request;
            body = context.alloc().compositeBuffer(Integer.MAX_VALUE);
            refused = false;
            final Answer early = handler.refuse(
                    request(request, new byte[0]),
                    HttpUtil.getContentLength(request, -1L),
                    HttpUtil.isTransferEncodingChunked(request));
            if (early != null) {
                refused = true;
                release();
                send(context, early, false, "HEAD".equals(request.method().name()));
            }
        }

        private Request request(final HttpRequest request, final byte[] bytes) {
            return new Request(request.method().name(), request.uri(), lowerCase(request.headers()), bytes);
        }

        private void add(final ChannelHandlerContext context, final HttpContent content) {
            final CompositeByteBuf received = body;
            final HttpRequest request = head;
            if (received == null || request == null) {
                return;
            }
            received.addComponent(true, content.content().retain());
            if (received.readableBytes() > MAX_BODY_BYTES) {
                context.close();
                return;
            }
            if (!(content instanceof LastHttpContent)) {
                return;
            }
            final byte[] bytes = new byte[received.readableBytes()];
            received.readBytes(bytes);
            release();
            // One request at a time per connection: nothing is read until this one is answered.
            context.channel().config().setAutoRead(false);
            workers.execute(() -> work(context, request, request(request, bytes)));
        }

        private void work(final ChannelHandlerContext context, final HttpRequest head, final Request request) {
            Answer answer;
            try {
                answer = handler.answer(request);
            } catch (final IOException | RuntimeException e) {
                answer = Answer.of(500, e + "\n");
            }
            if (answer == null) {
                context.close();
                return;
            }
            if (answer.trickle() != null) {
                trickle(context, answer, answer.trickle());
                return;
            }
            final Answer ready = answer;
            final boolean bodiless = "HEAD".equals(request.method());
            if (context.executor().isShuttingDown()) {
                return; // closed while the answer was being made
            }
            context.executor().execute(() -> {
                send(context, ready, HttpUtil.isKeepAlive(head), bodiless);
                context.channel().config().setAutoRead(true);
            });
        }

        private void send(
                final ChannelHandlerContext context, final Answer answer, final boolean keep, final boolean bodiless) {
            final boolean cut = answer.cutAt() < answer.body().length;
            final ByteBuf bytes = bodiless
                    ? Unpooled.EMPTY_BUFFER
                    : Unpooled.wrappedBuffer(answer.body(), 0, Math.min(answer.cutAt(), answer.body().length));
            final DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), bytes);
            answer.headers().forEach((name, value) -> response.headers().set(name, value));
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, answer.body().length);
            if (!keep || cut) {
                response.headers().set(HttpHeaderNames.CONNECTION, "close");
            }
            final Ending ending = handler.ending();
            if (cut && ending == Ending.RESET) {
                ((SocketChannel) context.channel()).config().setSoLinger(0);
            }
            context.writeAndFlush(response)
                    .addListener(keep && !cut && ending != Ending.CLOSE ? done -> {} : ChannelFutureListener.CLOSE);
        }

        private void trickle(final ChannelHandlerContext context, final Answer answer, final Trickle pieces) {
            final io.netty.handler.codec.http.DefaultHttpResponse response =
                    new io.netty.handler.codec.http.DefaultHttpResponse(
                            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()));
            HttpUtil.setTransferEncodingChunked(response, true);
            context.writeAndFlush(response);
            try {
                for (byte[] piece = pieces.next(); piece != null; piece = pieces.next()) {
                    context.writeAndFlush(
                            new io.netty.handler.codec.http.DefaultHttpContent(Unpooled.wrappedBuffer(piece)));
                }
                context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
                context.channel().config().setAutoRead(true);
            } catch (final InterruptedException e) {
                context.close();
                Thread.currentThread().interrupt();
            }
        }

        private void release() {
            if (body != null) {
                body.release();
                body = null;
            }
        }

        @Override
        public void channelInactive(final ChannelHandlerContext context) {
            release();
        }

        @Override
        public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
            context.close();
        }
    }
}
