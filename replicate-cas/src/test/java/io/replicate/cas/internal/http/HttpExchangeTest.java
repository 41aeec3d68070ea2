package io.replicate.cas.internal.http;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.util.ReferenceCountUtil;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class HttpExchangeTest {

    /** TLS keeps what it could not encrypt, and fails it when the handlers behind it are gone already. */
    @Test
    @Timeout(60)
    void aWriteThatFailsBehindTheEndOfItsConnectionEndsTheExchange() throws Exception {
        final List<ChannelPromise> kept = new ArrayList<>();
        final EmbeddedChannel channel = new EmbeddedChannel(
                new ChannelOutboundHandlerAdapter() {
                    @Override
                    public void write(
                            final ChannelHandlerContext context, final Object message, final ChannelPromise promise) {
                        ReferenceCountUtil.release(message);
                        kept.add(promise);
                    }
                },
                new HttpClientCodec(),
                new ExchangeHandler());
        try (HttpEngine engine = new HttpEngine(false, "test")) {
            final HttpOrigin origin = engine.origin(
                    "http://127.0.0.1:9", new HttpLimits(Duration.ofSeconds(1), Duration.ofSeconds(1), 1));
            final HttpExchange exchange =
                    new HttpExchange(origin, new HttpCall("GET", "/", List.of(), null, null, 1000));
            exchange.sendOn(channel, false);
            channel.runPendingTasks();
            channel.close();
            channel.runPendingTasks();

            kept.forEach(promise -> promise.tryFailure(new IOException("not encrypted")));
            channel.runPendingTasks();

            assertThatThrownBy(() -> exchange.await(Duration.ofSeconds(30), new Cancellation()))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("http://127.0.0.1:9");
        }
    }
}
