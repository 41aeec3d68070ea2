package io.replicate.cas.testing;

import io.replicate.cas.keep.KeepService;
import io.replicate.cas.keep.Rendezvous;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A keepproxy in front of fake keepstores in the same process. Thread-safe. */
public final class FakeKeepproxy implements AutoCloseable {
    private final Era era;
    private final String uuid;
    private final List<FakeKeepstore> stores;
    private final RequestLog log = new RequestLog();
    private final HttpServer server;

    /** Starts a proxy on a free port. */
    public FakeKeepproxy(final Era era, final String uuid, final List<FakeKeepstore> stores) {
        this.era = era;
        this.uuid = uuid;
        this.stores = List.copyOf(stores);
        this.server = new HttpServer(new Handler(), false, 0);
    }

    /** Returns the service's UUID. */
    public String uuid() {
        return uuid;
    }

    /** Returns the port that it listens on. */
    public int port() {
        return server.port();
    }

    /** Returns what was asked. */
    public RequestLog log() {
        return log;
    }

    @Override
    public void close() {
        server.close();
    }

    private final class Handler implements HttpServer.Handler {
        @Override
        public HttpServer.@Nullable Answer refuse(
                final HttpServer.Request request, final long contentLength, final boolean chunked) {
            return "PUT".equals(request.method()) && (chunked || contentLength < 0)
                    ? HttpServer.Answer.of(411, "Length Required\n")
                    : null;
        }

        @Override
        public HttpServer.@Nullable Answer answer(final HttpServer.Request request) throws IOException {
            log.begin();
            HttpServer.Answer answer = null;
            try {
                answer = dispatch(request);
                return answer;
            } finally {
                log.end(new RequestLog.Entry(
                        request.method(), request.path(), request.headers(), answer == null ? 0 : answer.status()));
            }
        }
    }

    private HttpServer.Answer dispatch(final HttpServer.Request request) throws IOException {
        if (request.path().startsWith("/index")) {
            return index(request);
        }
        if (!request.path().matches("/[0-9a-f]{32}.*")) {
            return HttpServer.Answer.of(400, "Bad Request\n");
        }
        return "PUT".equals(request.method()) ? write(request) : read(request);
    }

    private List<FakeKeepstore> order(final String hash) {
        final List<KeepService> services = stores.stream()
                .map(store -> new KeepService(store.uuid(), store.uuid(), "disk", false))
                .toList();
        return Rendezvous.order(hash, services, Rendezvous.Convention.GO).stream()
                .map(service -> stores.get(services.indexOf(service)))
                .toList();
    }

    private HttpServer.Answer read(final HttpServer.Request request) throws IOException {
        HttpServer.Answer last = HttpServer.Answer.of(404, "Not Found\n");
        for (final FakeKeepstore store : order(request.path().substring(1, 33))) {
            final HttpServer.Answer answer = store.answerInProcess(request);
            if (answer != null && answer.status() == 200) {
                return answer.with("Via", "1.1 keepproxy");
            }
            if (answer != null && answer.status() != 404) {
                last = answer;
            }
        }
        return last;
    }

    private HttpServer.Answer write(final HttpServer.Request request) throws IOException {
        final String wish = request.header("x-keep-desired-replicas");
        final int wanted = wish.matches("\\d+") ? Integer.parseInt(wish) : 2;
        int stored = 0;
        HttpServer.Answer good = null;
        for (final FakeKeepstore store : order(request.path().substring(1, 33))) {
            if (stored == wanted) {
                break;
            }
            final HttpServer.Answer answer = store.answerInProcess(request);
            if (answer != null && answer.status() == 200) {
                stored++;
                good = answer;
            }
        }
        if (good == null || (stored < wanted && era == Era.B)) {
            // Version B confuses the kinds of its errors: only the header is right.
            return HttpServer.Answer.of(era == Era.B ? 413 : 503, "Could not write sufficient replicas\n")
                    .with("X-Keep-Replicas-Stored", Integer.toString(stored));
        }
        return good.with("X-Keep-Replicas-Stored", Integer.toString(stored)).with("Via", "1.1 keepproxy");
    }

    private HttpServer.Answer index(final HttpServer.Request request) throws IOException {
        final ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (final FakeKeepstore store : stores) {
            final HttpServer.Answer answer = store.answerInProcess(request);
            if (answer == null || answer.status() != 200) {
                return answer == null ? HttpServer.Answer.of(502, "no index\n") : answer;
            }
            final byte[] lines = answer.body();
            all.write(lines, 0, lines.length - 1);
        }
        all.writeBytes("\n".getBytes(StandardCharsets.US_ASCII));
        return new HttpServer.Answer(200, Map.of(), all.toByteArray(), Integer.MAX_VALUE, null);
    }
}
