package io.replicate.cas.testing;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An Arvados API server, as far as Keep clients need one: https, with the certificate {@code localhost.crt}. Thread-safe. */
public final class FakeApiServer implements AutoCloseable {
    private static final Pattern AFTER = Pattern.compile("\"uuid\",\">\",\"([^\"]*)\"");
    private static final Pattern LIMIT = Pattern.compile("[?&]limit=(\\d+)");

    private final HttpServer server;
    private final RequestLog log = new RequestLog();
    private final String token;
    private volatile int replication = 2;
    private volatile long signatureTtlSeconds = 1_209_600;
    private volatile String disks = list(List.of());
    private volatile String proxies = list(List.of());
    private final AtomicInteger failures = new AtomicInteger();
    private final List<String> collections = new ArrayList<>();

    /** Starts a server on a free port that takes one token. */
    public FakeApiServer(final String token) {
        this.token = token;
        this.server = new HttpServer(new Handler(), true, 0);
    }

    /** Returns {@code host:port}, as settings files name it. */
    public String host() {
        return "localhost:" + server.port();
    }

    /** Returns what was asked. */
    public RequestLog log() {
        return log;
    }

    /** Sets the default replication. */
    public FakeApiServer replication(final int copies) {
        replication = copies;
        return this;
    }

    /** Sets the ttl of signatures. */
    public FakeApiServer signatureTtlSeconds(final long seconds) {
        signatureTtlSeconds = seconds;
        return this;
    }

    /** Sets what clients inside are shown. */
    public FakeApiServer disks(final List<String> items) {
        disks = list(items);
        return this;
    }

    /** Sets what clients outside are shown. */
    public FakeApiServer proxies(final List<String> items) {
        proxies = list(items);
        return this;
    }

    /** Answers so many requests with 503 first. */
    public FakeApiServer failFirst(final int requests) {
        failures.set(requests);
        return this;
    }

    /** Adds a collection; {@code replication} 0 is none of its own. */
    public FakeApiServer collection(final String uuid, final String manifest, final int replication) {
        synchronized (collections) {
            collections.add("{\"uuid\":\"" + uuid + "\",\"manifest_text\":\"" + manifest.replace("\n", "\\n")
                    + "\",\"replication_desired\":" + (replication == 0 ? "null" : Integer.toString(replication))
                    + "}");
        }
        return this;
    }

    /** Returns the JSON of a service. */
    public static String service(
            final String uuid, final String host, final int port, final String type, final boolean readOnly) {
        return "{\"uuid\":\"" + uuid + "\",\"service_host\":\"" + host + "\",\"service_port\":" + port
                + ",\"service_ssl_flag\":false,\"service_type\":\"" + type + "\",\"read_only\":" + readOnly + "}";
    }

    /** Returns the JSON of a list of services. */
    public static String list(final List<String> items) {
        return "{\"kind\":\"arvados#keepServiceList\",\"items_available\":" + items.size() + ",\"items\":["
                + String.join(",", items) + "]}";
    }

    /** Stops listening. */
    public void down() {
        server.down();
    }

    @Override
    public void close() {
        server.close();
    }

    private final class Handler implements HttpServer.Handler {
        @Override
        public HttpServer.@Nullable Answer refuse(
                final HttpServer.Request request, final long contentLength, final boolean chunked) {
            return null;
        }

        @Override
        public HttpServer.Answer answer(final HttpServer.Request request) {
            log.begin();
            final HttpServer.Answer answer = dispatch(request).with("Content-Type", "application/json; charset=utf-8");
            log.end(new RequestLog.Entry(request.method(), request.path(), request.headers(), answer.status()));
            return answer;
        }
    }

    private HttpServer.Answer dispatch(final HttpServer.Request request) {
        if (failures.get() > 0 && failures.getAndDecrement() > 0) {
            return HttpServer.Answer.of(503, "{\"errors\":[\"try later\"]}");
        }
        final String path = request.path();
        if (path.equals("/discovery/v1/apis/arvados/v1/rest")) {
            return HttpServer.Answer.of(
                    200,
                    "{\"defaultCollectionReplication\":" + replication + ".0,\"blobSignatureTtl\":"
                            + signatureTtlSeconds + ".0,\"revision\":\"20171031\"}");
        }
        if (!request.header("authorization").equals("OAuth2 " + token)) {
            return HttpServer.Answer.of(401, "{\"errors\":[\"Not logged in\"]}");
        }
        if (path.equals("/arvados/v1/keep_services/accessible")) {
            return HttpServer.Answer.of(200, request.header("x-external-client").equals("1") ? proxies : disks);
        }
        if (path.equals("/arvados/v1/keep_services")) {
            return HttpServer.Answer.of(200, disks);
        }
        if (path.equals("/arvados/v1/users/current")) {
            return HttpServer.Answer.of(200, "{\"uuid\":\"zzzzz-tpzed-000000000000000\"}");
        }
        if (path.startsWith("/arvados/v1/collections")) {
            return collections(URLDecoder.decode(path, StandardCharsets.UTF_8));
        }
        return HttpServer.Answer.of(404, "{\"errors\":[\"Path not found\"]}");
    }

    private HttpServer.Answer collections(final String query) {
        final Matcher after = AFTER.matcher(query);
        final String last = after.find() ? after.group(1) : "";
        final Matcher limit = LIMIT.matcher(query);
        final int most = limit.find() ? Integer.parseInt(limit.group(1)) : 100;
        synchronized (collections) {
            return HttpServer.Answer.of(
                    200,
                    list(collections.stream()
                            .filter(json ->
                                    json.substring(9, json.indexOf('"', 9)).compareTo(last) > 0)
                            .sorted()
                            .limit(most)
                            .toList()));
        }
    }
}
