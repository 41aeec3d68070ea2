package io.replicate.cas.internal.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/** Hands what a connection receives to the exchange that is under way on it. */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a close or a write is heard by the handler
final class ExchangeHandler extends SimpleChannelInboundHandler<HttpObject> {
    @Nullable
    HttpExchange exchange;

    @Override
    protected void channelRead0(final ChannelHandlerContext context, final HttpObject message) {
        final HttpExchange current = exchange;
        if (current == null) {
            // Nobody asked: the connection is of no use any more.
            context.close();
            return;
        }
        // What is no head comes as a whole message of its own.
        if (message.decoderResult().isFailure()
                && (message instanceof HttpResponse || !(message instanceof HttpContent))) {
            current.malformed(message.decoderResult().cause());
            return;
        }
        if (message instanceof HttpResponse response) {
            current.head(response);
        }
        if (message instanceof HttpContent content) {
            current.content(context.channel(), content);
        }
    }

    @Override
    public void channelInactive(final ChannelHandlerContext context) {
        final HttpExchange current = exchange;
        if (current != null) {
            current.inactive(context.channel());
        }
    }

    @Override
    public void exceptionCaught(final ChannelHandlerContext context, final Throwable cause) {
        final HttpExchange current = exchange;
        if (current != null) {
            current.malformed(cause);
        }
        context.close();
    }
}
