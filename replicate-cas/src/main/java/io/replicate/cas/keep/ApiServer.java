package io.replicate.cas.keep;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.replicate.cas.internal.http.HttpAnswer;
import io.replicate.cas.internal.http.HttpCall;
import io.replicate.cas.internal.http.HttpEngine;
import io.replicate.cas.internal.http.HttpLimits;
import io.replicate.cas.internal.http.HttpOrigin;
import io.replicate.cas.internal.http.StoreGate;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The part of an Arvados API server that a copy needs: the discovery document, the services, the collections. Always
 * https. Temporary failures are tried again, refusals are not. Thread-safe.
 */
public final class ApiServer {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_ANSWER_BYTES = 64 << 20;
    private static final Set<Integer> TEMPORARY = Set.of(408, 409, 422, 423, 429, 500, 502, 503, 504);
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final int CONNECTIONS = 4;
    private static final long RETRY_PAUSE_NS = 1_000_000_000L;
    private static final int PAGE = 500;

    private final KeepConfig config;
    private final HttpOrigin origin;
    private final Cancellation cancellation;

    /**
     * What a cluster says about itself.
     *
     * @param defaultReplication how many copies a block gets, 0 when it does not say.
     * @param signatureTtl of block signatures, zero when it does not say.
     */
    public record Discovery(int defaultReplication, Duration signatureTtl) {}

    ApiServer(final KeepConfig config, final HttpEngine engine, final Cancellation cancellation)
            throws ReplicationException {
        this.config = config;
        this.origin = engine.origin(
                "https://" + config.apiHost(), new HttpLimits(CONNECT, config.idleTimeout(), CONNECTIONS));
        this.cancellation = cancellation;
    }

    /** Returns the discovery document's figures. */
    public Discovery discovery() throws IOException {
        final JsonNode document = get("/discovery/v1/apis/arvados/v1/rest", false);
        return new Discovery(
                document.path("defaultCollectionReplication").asInt(0),
                Duration.ofSeconds(document.path("blobSignatureTtl").asLong(0)));
    }

    /** Returns the services that this client may use. */
    public List<KeepService> accessibleServices() throws IOException {
        return ServiceList.parseJson(
                get("/arvados/v1/keep_services/accessible", true).toString());
    }

    /** Takes the collections of a cluster. */
    @FunctionalInterface
    public interface Collections {
        /**
         * Takes one.
         *
         * @param manifest of its blocks.
         * @param replication that it wants, 0 for the cluster's default.
         */
        void collection(String manifest, int replication);
    }

    /** Reads all collections, page by page in the order of their UUIDs. */
    public void collections(final Collections sink) throws IOException {
        String last = "";
        while (true) {
            final JsonNode items = get(
                            "/arvados/v1/collections?limit=" + PAGE + "&count=none&order="
                                    + encoded("[\"uuid\"]") + "&filters="
                                    + encoded(last.isEmpty() ? "[]" : "[[\"uuid\",\">\",\"" + last + "\"]]")
                                    + "&select=" + encoded("[\"uuid\",\"manifest_text\",\"replication_desired\"]"),
                            true)
                    .path("items");
            String highest = last;
            for (final JsonNode item : items) {
                final String uuid = item.path("uuid").asText("");
                if (uuid.compareTo(last) > 0) {
                    sink.collection(
                            item.path("manifest_text").asText(""),
                            item.path("replication_desired").asInt(0));
                    highest = uuid.compareTo(highest) > 0 ? uuid : highest;
                }
            }
            if (highest.equals(last)) {
                return;
            }
            last = highest;
        }
    }

    private static String encoded(final String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    private JsonNode get(final String path, final boolean withToken) throws IOException {
        final List<Map.Entry<String, String>> headers = new ArrayList<>();
        headers.add(Map.entry("Accept", "application/json"));
        if (withToken) {
            headers.add(Map.entry("Authorization", "OAuth2 " + config.apiToken()));
        }
        if (config.externalClient()) {
            headers.add(Map.entry("X-External-Client", "1"));
        }
        final HttpCall call = new HttpCall("GET", path, headers, null, null, MAX_ANSWER_BYTES);
        final String place = "API server " + config.apiHost();
        for (int attempt = 0; ; attempt++) {
            String failed;
            try {
                final HttpAnswer answer = origin.start(call, cancellation).await(cancellation);
                if (answer.status() == 200) {
                    return JSON.readTree(answer.text());
                }
                if (!TEMPORARY.contains(answer.status())) {
                    throw refused(place, answer);
                }
                failed = config.secrets().redact(answer.summary());
            } catch (final JsonProcessingException e) {
                throw ReplicationException.fail(place + ": the answer is not JSON", null);
            } catch (final ReplicationException e) {
                if (e.category() != ReplicationException.Category.RETRY) {
                    throw e;
                }
                failed = String.valueOf(e.getMessage());
            }
            if (attempt >= config.retries()) {
                throw ReplicationException.fail(place + ": " + failed, null);
            }
            StoreGate.pause(RETRY_PAUSE_NS << attempt, cancellation);
        }
    }

    private ReplicationException refused(final String place, final HttpAnswer answer) {
        final String what = config.secrets().redact(answer.summary());
        if (answer.status() == 401 || answer.status() == 403) {
            return new KeepException(
                    KeepException.Kind.REFUSED,
                    ReplicationException.Category.FAIL_JOB,
                    place + ": " + what + ": it refuses the token (ARVADOS_API_TOKEN of " + config.name() + ")",
                    null);
        }
        return ReplicationException.fail(place + ": " + what, null);
    }
}
