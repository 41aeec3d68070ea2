package io.replicate.nbd.server;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.replicate.nbd.tls.PskTls;
import java.time.Duration;

/** Makes the handler that encrypts one connection. Safe for use by any thread. */
interface TlsHandlers {
    ChannelHandler create(ByteBufAllocator buffers, Duration handshakeTimeout);

    static TlsHandlers of(SslContext context) {
        return (buffers, timeout) -> {
            final SslHandler handler = context.newHandler(buffers);
            handler.setHandshakeTimeoutMillis(timeout.toMillis());
            return handler;
        };
    }

    static TlsHandlers of(PskTls keys) {
        return (buffers, timeout) -> keys.serverHandler(timeout);
    }
}
