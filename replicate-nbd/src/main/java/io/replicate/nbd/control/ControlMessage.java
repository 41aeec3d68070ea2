package io.replicate.nbd.control;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of words: a line each, words percent-encoded and separated by blanks, an empty line at the end. An answer begins
 * with a row that says {@link #OK}, or {@link #ERROR} and why.
 */
record ControlMessage(List<List<String>> rows) {
    static final String OK = "ok";
    static final String ERROR = "error";
    private static final int MAX_BYTES = 1 << 20;

    void send(SocketChannel to) throws IOException {
        final StringBuilder text = new StringBuilder();
        for (final List<String> row : rows) {
            // a dot before each word, so that an empty word is one, too
            row.forEach(word -> text.append('.')
                    .append(URLEncoder.encode(word, StandardCharsets.UTF_8))
                    .append(' '));
            text.append('\n');
        }
        final ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.append('\n').toString());
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }

    static ControlMessage receive(SocketChannel from) throws IOException {
        final StringBuilder text = new StringBuilder();
        final ByteBuffer bytes = ByteBuffer.allocate(4096);
        while (text.indexOf("\n\n") < 0) {
            if (from.read(bytes.clear()) < 0 || text.length() > MAX_BYTES) {
                throw ReplicationException.fail("control socket: the message ends too early, or never", null);
            }
            text.append(StandardCharsets.ISO_8859_1.decode(bytes.flip()));
        }
        final List<List<String>> rows = new ArrayList<>();
        for (final String line : text.substring(0, text.indexOf("\n\n")).split("\n")) {
            try {
                rows.add(Arrays.stream(line.split(" "))
                        .filter(word -> word.startsWith("."))
                        .map(word -> URLDecoder.decode(word.substring(1), StandardCharsets.UTF_8))
                        .toList());
            } catch (final IllegalArgumentException e) {
                throw ReplicationException.misuse("control socket: a broken word in '" + line + "'");
            }
        }
        return new ControlMessage(rows);
    }
}
