package io.replicate.cas.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A server that has an index and nothing else: so many lines, always the same, of blocks of 64 KiB that nobody has. */
public final class LineServer implements AutoCloseable {
    private static final long MIX_1 = 0x9E37_79B9_7F4A_7C15L;
    private static final long MIX_2 = 0xBF58_476D_1CE4_E5B9L;
    private static final int PIECE_LINES = 2000;

    private final List<byte[]> pieces = new ArrayList<>();
    private final HttpServer server;

    /**
     * Serves one index of {@code LINES} lines in a process of its own, for measurements: prints the list of services as one
     * line of JSON, and ends when its standard input does.
     */
    public static void main(final String[] args) throws IOException {
        try (LineServer server = new LineServer(Integer.parseInt(args[0]))) {
            System.out.println(FakeApiServer.list(List.of(
                    FakeApiServer.service("lines-bi6l4-000000000000000", "127.0.0.1", server.port(), "disk", false))));
            while (System.in.read() >= 0) {
                // Whoever started this says nothing: it ends us by its end.
            }
        }
        System.exit(0);
    }

    /** Starts a server on a free port. */
    public LineServer(final int lines) {
        make(lines);
        this.server = new HttpServer(
                new HttpServer.Handler() {
                    @Override
                    public HttpServer.@Nullable Answer refuse(
                            final HttpServer.Request request, final long contentLength, final boolean chunked) {
                        return null;
                    }

                    @Override
                    public HttpServer.Answer answer(final HttpServer.Request request) {
                        return LineServer.this.answer(request);
                    }
                },
                false,
                0);
    }

    /** Returns the port that it listens on. */
    public int port() {
        return server.port();
    }

    private HttpServer.Answer answer(final HttpServer.Request request) {
        return "/index".equals(request.path())
                ? new HttpServer.Answer(200, Map.of(), new byte[0], Integer.MAX_VALUE, new Lines())
                : HttpServer.Answer.of(404, "Not Found\n");
    }

    /** Mixes a number to a hash; no two numbers have the same. */
    private static String hash(final long number) {
        final long high = (number + 1) * MIX_1;
        final long low = (high ^ (high >>> 29)) * MIX_2;
        return String.format(Locale.ROOT, "%016x%016x", high ^ (high >>> 32), low);
    }

    private void make(final int lines) {
        final StringBuilder piece = new StringBuilder();
        for (int i = 0; i < lines; i++) {
            piece.append(hash(i)).append("+65536 1500000000000000000\n");
            if (i % PIECE_LINES == PIECE_LINES - 1) {
                pieces.add(piece.toString().getBytes(StandardCharsets.US_ASCII));
                piece.setLength(0);
            }
        }
        pieces.add(piece.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
    }

    /** Used by one thread. */
    private final class Lines implements HttpServer.Trickle {
        private int next;

        @Override
        public byte @Nullable [] next() {
            return next == pieces.size() ? null : pieces.get(next++);
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
