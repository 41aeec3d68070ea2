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

    private static final int SHOWN_CHARACTERS = 200;

    /** Returns the status and the first line of the body, for messages: bounded, and without control characters. */
    public String summary() {
        final String line = shown(text.strip().lines().findFirst().orElse(""));
        return line.isEmpty() ? "HTTP " + status : "HTTP " + status + " " + line;
    }

    /** Returns what a server sent as a terminal may show it: bounded, and without control characters. */
    static String shown(final String sent) {
        final String start = sent.length() <= SHOWN_CHARACTERS ? sent : sent.substring(0, SHOWN_CHARACTERS) + "…";
        return start.replaceAll("\\p{Cntrl}", "?");
    }

    /** Returns a header, or the empty text. */
    public String header(final String name) {
        final String value = headers.get(name);
        return value == null ? "" : value;
    }
}
