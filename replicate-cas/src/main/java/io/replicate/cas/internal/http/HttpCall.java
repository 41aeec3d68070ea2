package io.replicate.cas.internal.http;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One request.
 *
 * @param method as it goes on the wire.
 * @param path as it goes on the wire: nothing is encoded.
 * @param headers besides Host and Content-Length, in order.
 * @param body from its position to its limit, direct memory that stays as it is until the exchange has ended; null for a
 *     request without one.
 * @param sink of a 200 answer's body, or null to get it as text.
 * @param maxTextBytes how much of a body is kept as text; the rest of an error is dropped, more of a 200 answer is an error.
 */
public record HttpCall(
        String method,
        String path,
        List<Map.Entry<String, String>> headers,
        @Nullable ByteBuffer body,
        @Nullable BodySink sink,
        int maxTextBytes) {

    /** How much of an error's body is kept. */
    public static final int ERROR_TEXT_BYTES = 4096;

    public HttpCall {
        headers = List.copyOf(headers);
    }
}
