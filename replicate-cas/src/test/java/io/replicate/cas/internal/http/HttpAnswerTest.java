package io.replicate.cas.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import org.junit.jupiter.api.Test;

class HttpAnswerTest {
    private static String summary(final String body) {
        return new HttpAnswer(500, new DefaultHttpHeaders(), body, 0).summary();
    }

    @Test
    void aSummaryIsOneShortLineThatATerminalDoesNotObey() {
        assertThat(summary("")).isEqualTo("HTTP 500");
        assertThat(summary("\n Not Found\nmore\n")).isEqualTo("HTTP 500 Not Found");
        assertThat(summary("red: \u001b[31mred\u0007")).isEqualTo("HTTP 500 red: ?[31mred?");
        assertThat(summary("z".repeat(4000))).hasSize("HTTP 500 ".length() + 201);
    }
}
