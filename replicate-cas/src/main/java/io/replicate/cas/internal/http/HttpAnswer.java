package io.replicate.cas.internal.http;

import io.netty.handler.codec.http.HttpHeaders;

/**
 * What a server answered.
 *
 * @param status of HTTP.
 * @param headers of the answer.
 * @param text of the body, unless a sink took it.
 * @param elapsedNs from the beginning of the request to the end of the answer.
 */
public record HttpAnswer(int status, HttpHeaders headers, String text, long elapsedNs) {

    /** Returns the status and the first line of the body, for messages. */
    public String summary() {
        final String line = text.strip().lines().findFirst().orElse("");
        return line.isEmpty() ? "HTTP " + status : "HTTP " + status + " " + line;
    }

    /** Returns a header, or the empty text. */
    public String header(final String name) {
        final String value = headers.get(name);
        return value == null ? "" : value;
    }
}
