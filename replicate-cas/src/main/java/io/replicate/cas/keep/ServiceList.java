package io.replicate.cas.keep;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.replicate.core.spi.ReplicationException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Reads lists of services: the API server's JSON, and the space separated URLs of {@code ARVADOS_KEEP_SERVICES}. */
public final class ServiceList {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_SERVICES = 10_000;

    private ServiceList() {}

    /**
     * Returns the services of a {@code arvados#keepServiceList}. Of several with the same URL the first counts.
     *
     * @throws ReplicationException MISUSE when the text is not such a list.
     */
    public static List<KeepService> parseJson(final String json) throws ReplicationException {
        final JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (final JsonProcessingException e) {
            throw ReplicationException.misuse("list of keep services: not JSON, from line "
                    + e.getLocation().getLineNr() + ", column "
                    + e.getLocation().getColumnNr());
        }
        final JsonNode items = root.path("items");
        if (!items.isArray() || items.size() > MAX_SERVICES) {
            throw ReplicationException.misuse("list of keep services: no array 'items' of at most " + MAX_SERVICES);
        }
        final List<KeepService> services = new ArrayList<>();
        for (final JsonNode item : items) {
            services.add(parseItem(item));
        }
        return distinct(services);
    }

    private static KeepService parseItem(final JsonNode item) throws ReplicationException {
        final String uuid = item.path("uuid").asText("");
        final String host = item.path("service_host").asText("");
        final int port = item.path("service_port").asInt(-1);
        if (uuid.isEmpty() || host.isEmpty() || port < 1 || port > 65_535) {
            throw ReplicationException.misuse(
                    "list of keep services: an item lacks uuid, service_host or service_port (1 to 65535)");
        }
        final String scheme = item.path("service_ssl_flag").asBoolean(false) ? "https" : "http";
        final String shownHost = host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]" : host;
        return new KeepService(
                uuid,
                scheme + "://" + shownHost + ":" + port,
                item.path("service_type").asText("disk"),
                item.path("read_only").asBoolean(false));
    }

    /**
     * Returns the services of a space separated list of URLs; their UUIDs are made up as the SDKs do.
     *
     * @throws ReplicationException MISUSE when one is not an http or https URL.
     */
    public static List<KeepService> parseUrls(final String urls) throws ReplicationException {
        final List<KeepService> services = new ArrayList<>();
        for (final String url : urls.trim().split("\\s+")) {
            services.add(new KeepService(
                    String.format(Locale.ROOT, "00000-bi6l4-%015d", services.size()), checkedUrl(url), "disk", false));
        }
        return distinct(services);
    }

    private static String checkedUrl(final String url) throws ReplicationException {
        try {
            final URI uri = new URI(url);
            if (uri.getHost() == null || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
                throw ReplicationException.misuse("keep service '" + url + "': expected http://HOST:PORT");
            }
            final int port = uri.getPort() > 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
            return uri.getScheme() + "://" + uri.getHost() + ":" + port;
        } catch (final URISyntaxException e) {
            throw ReplicationException.misuse("keep service '" + url + "': " + e.getReason());
        }
    }

    private static List<KeepService> distinct(final List<KeepService> services) {
        final Set<String> urls = new HashSet<>();
        final Set<String> uuids = new HashSet<>();
        return services.stream()
                .filter(service -> urls.add(service.url()))
                .filter(service -> uuids.add(service.uuid()))
                .toList();
    }
}
