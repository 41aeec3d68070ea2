package io.replicate.cas.keep;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is known of a cluster: as configured, else as its API server says, asked once or from time to time. Thread-safe. */
final class ClusterFacts {
    private static final Logger LOG = LoggerFactory.getLogger(ClusterFacts.class);

    private final KeepConfig config;
    private final @Nullable ApiServer api;
    private ApiServer.@Nullable Discovery discovery;
    private @Nullable BlobSigner signer;
    private List<KeepService> services;
    private long servicesNs;

    /**
     * Asks who the services are.
     *
     * @param api null where everything is configured.
     * @throws ReplicationException MISUSE when there is no service.
     */
    ClusterFacts(final KeepConfig config, final @Nullable ApiServer api) throws IOException {
        this.config = config;
        this.api = api;
        this.services = ask();
    }

    /** Returns the API server; MISUSE when there is none. */
    ApiServer api() throws ReplicationException {
        if (api == null) {
            throw ReplicationException.misuse(config.name() + ": no API server: ARVADOS_API_HOST is not set");
        }
        return api;
    }

    /** Returns the services, asked for again when the last answer is older than the refresh interval. */
    synchronized List<KeepService> services() {
        final Duration interval = config.refreshInterval();
        if (!interval.isZero() && api != null && System.nanoTime() - servicesNs > interval.toNanos()) {
            try {
                services = ask();
            } catch (final IOException e) {
                servicesNs = System.nanoTime();
                LOG.warn("{}: services not refreshed, the known ones stay: {}", config.name(), e.getMessage());
            }
        }
        return services;
    }

    private List<KeepService> ask() throws IOException {
        servicesNs = System.nanoTime();
        final List<KeepService> found =
                config.services().isPresent() ? config.services().get() : api().accessibleServices();
        if (found.isEmpty()) {
            throw ReplicationException.misuse(config.name() + ": the list of keep services is empty");
        }
        return found;
    }

    private synchronized ApiServer.Discovery discovery() throws IOException {
        ApiServer.Discovery known = discovery;
        if (known == null) {
            known = api().discovery();
            discovery = known;
        }
        return known;
    }

    /** Returns how many copies a block gets: as configured, else what the API server says. */
    int replication() throws IOException {
        if (config.replication() > 0) {
            return config.replication();
        }
        final int found = api == null ? 0 : discovery().defaultReplication();
        if (found < 1) {
            throw ReplicationException.misuse(
                    config.name() + ": the default replication is not known: give -replications");
        }
        return found;
    }

    /** Returns what signs locators; asks the API server for the ttl unless it is configured. */
    synchronized BlobSigner signer() throws IOException {
        BlobSigner known = signer;
        if (known == null) {
            Duration ttl = config.signatureTtl();
            if (ttl.isZero() && !config.signingKey().isEmpty()) {
                ttl = api == null ? Duration.ZERO : discovery().signatureTtl();
                if (ttl.isZero()) {
                    throw ReplicationException.misuse(config.name()
                            + ": the ttl of block signatures is not known: give -" + config.name()
                            + "-blob-signature-ttl");
                }
            }
            known = new BlobSigner(config.signingKey(), ttl);
            signer = known;
        }
        return known;
    }
}
