package io.replicate.cas.internal.http;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * An answer as it arrives: a 200 answer's body goes to the sink of the call where it has one, everything else is kept as
 * text, within bounds. Owned by the event loop of the connection.
 */
final class Answering {
    private final HttpCall call;
    private final String place;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private @Nullable HttpResponse head;
    private @Nullable BodySink sink;
    private boolean informational;
    private boolean complete;
    private long receivedBytes;

    Answering(final HttpCall call, final String place) {
        this.call = call;
        this.place = place;
    }

    void head(final HttpResponse response) throws IOException {
        informational = response.status().code() < 200;
        if (informational) {
            return;
        }
        head = response;
        sink = response.status().code() == 200 ? call.sink() : null;
        if (sink != null) {
            sink.begin(HttpUtil.getContentLength(response, -1L));
        }
    }

    /**
     * Takes the next piece of the body.
     *
     * @throws ReplicationException RETRY when the answer broke off, or what the sink throws.
     */
    void content(final HttpContent content) throws IOException {
        final HttpResponse response = head;
        if (informational || response == null) {
            informational &= !(content instanceof LastHttpContent);
            return;
        }
        if (content.decoderResult().isFailure()) {
            throw ReplicationException.retry(
                    place + ": the answer broke off after " + receivedBytes + " bytes",
                    content.decoderResult().cause());
        }
        final ByteBuf bytes = content.content();
        receivedBytes += bytes.readableBytes();
        if (sink != null) {
            sink.data(bytes);
        } else {
            keep(bytes, response.status().code() == 200);
        }
        complete = content instanceof LastHttpContent;
    }

    private void keep(final ByteBuf bytes, final boolean good) throws ReplicationException {
        final int limit = good ? call.maxTextBytes() : HttpCall.ERROR_TEXT_BYTES;
        if (good && text.size() + bytes.readableBytes() > limit) {
            throw ReplicationException.fail(place + ": the answer is larger than " + limit + " bytes", null);
        }
        try {
            bytes.readBytes(text, Math.min(bytes.readableBytes(), Math.max(0, limit - text.size())));
        } catch (final IOException e) {
            throw ReplicationException.fail(place + ": " + e.getMessage(), e);
        }
    }

    /** Returns whether its head has arrived. */
    boolean begun() {
        return head != null;
    }

    /** Returns whether its head says that what was asked for was done. */
    boolean succeeded() {
        return head != null && head.status().code() == 200;
    }

    /** Returns whether all of it has arrived. */
    boolean complete() {
        return complete;
    }

    /** Returns how much of its body has arrived. */
    long receivedBytes() {
        return receivedBytes;
    }

    /** Returns whether the server keeps the connection. */
    boolean keepsConnection() {
        return head != null && HttpUtil.isKeepAlive(head);
    }

    /** Returns the whole answer. */
    HttpAnswer answer(final long elapsedNs) {
        final HttpResponse response = head;
        if (response == null) {
            throw new IllegalStateException("no answer yet");
        }
        return new HttpAnswer(
                response.status().code(), response.headers(), text.toString(StandardCharsets.UTF_8), elapsedNs);
    }
}
