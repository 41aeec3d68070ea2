package io.replicate.cas.keep;

import io.replicate.core.spi.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/**
 * The order in which the services of a cluster are asked for a block, and given it: rendezvous hashing. The weight of a
 * service is {@code md5(hash text + key)}; the heaviest comes first. Stateless.
 */
public final class Rendezvous {

    /**
     * What of a service's UUID counts. The conventions differ only for UUIDs that are not 27 characters long, which some
     * API servers hand out (28 characters).
     */
    public enum Convention {
        /** The last 15 characters of a UUID of 27; the whole of any other. What keep-rsync and the Go SDK do. */
        GO,
        /** Always the last 15 characters. What the Python SDK does. */
        PYTHON
    }

    private static final int UUID_LENGTH = 27;
    private static final int KEY_LENGTH = 15;

    private record Weighed(KeepService service, String weight) {}

    private Rendezvous() {}

    /** Returns the services in probe order for the block, best first. */
    public static List<KeepService> order(
            final String hash, final List<KeepService> services, final Convention convention) {
        return services.stream()
                .map(service -> new Weighed(service, weight(hash, service.uuid(), convention)))
                .sorted(Comparator.comparing(Weighed::weight).reversed())
                .map(Weighed::service)
                .toList();
    }

    private static String weight(final String hash, final String uuid, final Convention convention) {
        return HexFormat.of()
                .formatHex(Digest.Algorithm.MD5
                        .newMessageDigest()
                        .digest((hash + key(uuid, convention)).getBytes(StandardCharsets.UTF_8)));
    }

    private static String key(final String uuid, final Convention convention) {
        final boolean cut = convention == Convention.PYTHON ? uuid.length() > KEY_LENGTH : uuid.length() == UUID_LENGTH;
        return cut ? uuid.substring(uuid.length() - KEY_LENGTH) : uuid;
    }
}
