package io.replicate.cas.keep;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.replicate.cas.internal.http.BodySink;
import io.replicate.cas.internal.http.HttpAnswer;
import io.replicate.cas.internal.http.HttpCall;
import io.replicate.cas.internal.http.HttpEngine;
import io.replicate.cas.internal.http.HttpExchange;
import io.replicate.cas.internal.http.HttpLimits;
import io.replicate.cas.internal.http.HttpOrigin;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks to the servers of one cluster, in single requests. What to ask of whom,
 * and when to ask again, is decided by {@link BlockReader} and {@link BlockWriter}. Thread-safe.
 */
public final class KeepClient implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeepClient.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration SIGNATURE_LIFE = Duration.ofDays(1);
    private static final Duration PROXY_CONNECT = Duration.ofSeconds(30);
    private static final int PROXY_PATIENCE = 5;
    private static final int MAX_JSON_BYTES = 1 << 20;

    private final KeepConfig config;
    private final Cancellation cancellation;
    private final HttpEngine engine;
    private final Secrets secrets;
    private final ClusterFacts facts;
    private final Map<String, StoreMetrics> metrics = new ConcurrentHashMap<>();

    /**
     * Opens a cluster and asks who its servers are.
     *
     * @throws ReplicationException MISUSE when neither an API server nor a list of services is known, or there is no
     *     service.
     */
    public KeepClient(final KeepConfig config, final Cancellation cancellation) throws IOException {
        this.config = config;
        this.cancellation = cancellation;
        this.secrets = config.secrets();
        if (config.apiHost().isEmpty() && config.services().isEmpty()) {
            throw ReplicationException.misuse(config.name() + ": neither ARVADOS_API_HOST nor a list of keep services");
        }
        this.engine = new HttpEngine(config.insecure(), "keep-" + config.name());
        boolean opened = false;
        try {
            this.facts = new ClusterFacts(
                    config, config.apiHost().isEmpty() ? null : new ApiServer(config, engine, cancellation));
            opened = true;
        } finally {
            if (!opened) {
                engine.close();
            }
        }
    }

    /** Returns the configuration. */
    public KeepConfig config() {
        return config;
    }

    /** Returns what stops all requests. */
    public Cancellation cancellation() {
        return cancellation;
    }

    /** Returns the API server; MISUSE when there is none. */
    public ApiServer api() throws ReplicationException {
        return facts.api();
    }

    /** Returns the services, asked for again when the last answer is older than the refresh interval. */
    public List<KeepService> services() {
        return facts.services();
    }

    /** Returns how many copies a block gets: as configured, else what the API server says. */
    public int replication() throws IOException {
        return facts.replication();
    }

    /** Returns what signs locators; asks the API server for the ttl unless it is configured. */
    public BlobSigner signer() throws IOException {
        return facts.signer();
    }

    /** Returns what was asked of each server, by URL. */
    public Map<String, StoreMetrics> metrics() {
        return new TreeMap<>(metrics);
    }

    /** Returns the text without this cluster's secrets. */
    String redact(final String text) {
        return secrets.redact(text);
    }

    /** Returns the server of a service. */
    HttpOrigin origin(final KeepService service) throws ReplicationException {
        final boolean patient = !service.isDisk() && config.connectTimeout().compareTo(PROXY_CONNECT) < 0;
        final Duration connect = patient ? PROXY_CONNECT : config.connectTimeout();
        final Duration idle =
                service.isDisk() ? config.idleTimeout() : config.idleTimeout().multipliedBy(PROXY_PATIENCE);
        return engine.origin(service.url(), new HttpLimits(connect, idle, config.connectionsPerStore()));
    }

    private List<Map.Entry<String, String>> headers(final String token) {
        final List<Map.Entry<String, String>> headers = new ArrayList<>();
        if (!token.isEmpty()) {
            headers.add(Map.entry("Authorization", "OAuth2 " + token));
        }
        final ThreadLocalRandom random = ThreadLocalRandom.current();
        final HexFormat hex = HexFormat.of();
        headers.add(Map.entry(
                "X-Request-Id",
                "req-" + hex.toHexDigits(random.nextLong()) + hex.toHexDigits((short) random.nextInt())));
        return headers;
    }

    /** Begins a GET or HEAD of a block; the locator is signed now. */
    HttpExchange startRead(
            final String method, final KeepService service, final String locator, final @Nullable BodySink sink)
            throws IOException {
        final String token = config.blockToken(service);
        final String signed = facts.signer().sign(locator, token, Instant.now().plus(SIGNATURE_LIFE));
        return origin(service)
                .start(new HttpCall(method, "/" + signed, headers(token), null, sink, MAX_JSON_BYTES), cancellation);
    }

    /** Begins a PUT of a block under its bare hash. */
    HttpExchange startWrite(
            final KeepService service,
            final String hash,
            final ByteBuffer data,
            final int copies,
            final List<String> classes)
            throws IOException {
        final List<Map.Entry<String, String>> headers = headers(config.blockToken(service));
        headers.add(Map.entry("Content-Type", "application/octet-stream"));
        headers.add(Map.entry("X-Keep-Desired-Replicas", Integer.toString(copies)));
        if (!classes.isEmpty()) {
            headers.add(Map.entry("X-Keep-Storage-Classes", String.join(", ", classes)));
        }
        return origin(service)
                .start(new HttpCall("PUT", "/" + hash, headers, data, null, MAX_JSON_BYTES), cancellation);
    }

    /** Asks a store to renew the time of a block's copies. */
    HttpAnswer touch(final KeepService service, final String hash) throws IOException {
        return finish(
                service,
                origin(service)
                        .start(
                                new HttpCall(
                                        "TOUCH", "/" + hash, headers(config.systemToken()), null, null, MAX_JSON_BYTES),
                                cancellation));
    }

    /** Waits for an exchange and counts it. */
    HttpAnswer finish(final KeepService service, final HttpExchange exchange) throws IOException {
        final StoreMetrics counts = metrics.computeIfAbsent(service.url(), url -> new StoreMetrics());
        try {
            final HttpAnswer answer = exchange.await(cancellation);
            counts.answered(answer.status(), answer.elapsedNs());
            return answer;
        } catch (final IOException e) {
            counts.failed();
            throw e;
        }
    }

    /**
     * Reads the index of one service, with no limit on how long it takes as long as it moves.
     *
     * @param prefix 0 to 32 lower-case hexadecimal digits.
     * @return how many lines it had.
     * @throws ReplicationException RETRY when it is incomplete, CORRUPT when it is no index, FAIL_JOB when it is refused.
     */
    public long index(final KeepService service, final String prefix, final IndexParser.Lines lines)
            throws IOException {
        final IndexParser parser = new IndexParser(service.url(), prefix, lines);
        final BodySink sink = new BodySink() {
            @Override
            public void begin(final long contentLength) {
                // Any length: the empty line at the end says that it is complete.
            }

            @Override
            public void data(final ByteBuf bytes) throws IOException {
                parser.feed(bytes);
            }
        };
        final String path = prefix.isEmpty() ? "/index" : "/index/" + prefix;
        final HttpAnswer answer = finish(
                service,
                origin(service)
                        .start(
                                new HttpCall("GET", path, headers(config.systemToken()), null, sink, MAX_JSON_BYTES),
                                cancellation));
        if (answer.status() != 200) {
            throw indexRefused(service, answer);
        }
        parser.finish();
        return parser.count();
    }

    private ReplicationException indexRefused(final KeepService service, final HttpAnswer answer) {
        final String message = "index of " + service.url() + ": Got http status code: " + answer.status() + " ("
                + redact(answer.summary()) + ")";
        if (answer.status() == 401 || answer.status() == 403) {
            return new KeepException(
                    KeepException.Kind.REFUSED,
                    ReplicationException.Category.FAIL_JOB,
                    message + ": give the system (data manager) token, -" + config.name() + "-data-manager-token",
                    null);
        }
        return answer.status() >= 500 || answer.status() == 429 || answer.status() == 408
                ? ReplicationException.retry(message, null)
                : ReplicationException.fail(message, null);
    }

    /**
     * Returns the devices that a service mounts, or an empty set when it does not tell: two services with the same device
     * hold one copy between them.
     */
    public Set<String> devices(final KeepService service) {
        final Set<String> devices = new HashSet<>();
        try {
            final HttpAnswer answer = finish(
                    service,
                    origin(service)
                            .start(
                                    new HttpCall(
                                            "GET",
                                            "/mounts",
                                            headers(config.systemToken()),
                                            null,
                                            null,
                                            MAX_JSON_BYTES),
                                    cancellation));
            if (answer.status() == 200) {
                for (final JsonNode mount : JSON.readTree(answer.text())) {
                    devices.add(mount.path("device_id")
                            .asText(mount.path("DeviceID").asText("")));
                }
            }
        } catch (final JsonProcessingException e) {
            LOG.warn("{}: /mounts is not JSON: {}", service.url(), e.getOriginalMessage());
        } catch (final IOException e) {
            LOG.warn("{}: /mounts: {}", service.url(), e.getMessage());
        }
        devices.remove("");
        return devices;
    }

    @Override
    public void close() {
        engine.close();
    }
}
