package io.replicate.cas.keep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How to reach one cluster. Filled once, then only read. Lengths of time have defaults that suit a network. */
public final class KeepConfig {
    private final String name;
    private String apiHost = "";
    private boolean insecure;
    private boolean externalClient;
    private String apiToken = "";
    private String systemToken = "";
    private String signingKey = "";
    private @Nullable List<KeepService> services;
    private Duration signatureTtl = Duration.ZERO;
    private int replication;
    private Rendezvous.Convention convention = Rendezvous.Convention.GO;
    private Duration connectTimeout = Duration.ofSeconds(5);
    private Duration idleTimeout = Duration.ofSeconds(60);
    private int connectionsPerStore = 16;
    private int retries = 2;
    private Duration refreshInterval = Duration.ofMinutes(5);
    private List<String> storageClasses = List.of();

    /** Creates the configuration of a cluster that messages call {@code name}. */
    public KeepConfig(final String name) {
        this.name = name;
    }

    /** Takes over what a settings file says. */
    public KeepConfig settings(final KeepSettings settings) throws io.replicate.core.spi.ReplicationException {
        apiHost = settings.value(KeepSettings.API_HOST).orElse(apiHost);
        apiToken = settings.value(KeepSettings.API_TOKEN).orElse(apiToken);
        insecure = settings.flag(KeepSettings.API_HOST_INSECURE);
        externalClient = settings.flag(KeepSettings.EXTERNAL_CLIENT);
        signingKey = settings.value(KeepSettings.BLOB_SIGNING_KEY).orElse(signingKey);
        final Optional<String> urls = settings.value(KeepSettings.KEEP_SERVICES);
        if (urls.isPresent()) {
            services = ServiceList.parseUrls(urls.get());
        }
        return this;
    }

    /** Sets the API server, {@code host} or {@code host:port}; empty for none. */
    public KeepConfig apiHost(final String value) {
        apiHost = value;
        return this;
    }

    /** Sets whether certificates are taken unproven. */
    public KeepConfig insecure(final boolean value) {
        insecure = value;
        return this;
    }

    /** Sets the token of the API server, which is also that of the stores unless there is a system token. */
    public KeepConfig apiToken(final String value) {
        apiToken = value;
        return this;
    }

    /** Sets the token that stores ask for before they show an index; sent to the API server only when there is no other. */
    public KeepConfig systemToken(final String value) {
        systemToken = value;
        return this;
    }

    /** Sets the key that locators are signed with. */
    public KeepConfig signingKey(final String value) {
        signingKey = value.trim();
        return this;
    }

    /** Sets the services, which the API server is then not asked for. */
    public KeepConfig services(final List<KeepService> value) {
        services = List.copyOf(value);
        return this;
    }

    /** Sets the ttl of signatures; zero to ask the API server. */
    public KeepConfig signatureTtl(final Duration value) {
        signatureTtl = value;
        return this;
    }

    /** Sets how many copies a block gets; zero to ask the API server. */
    public KeepConfig replication(final int value) {
        replication = value;
        return this;
    }

    /** Sets what of odd UUIDs counts in the probe order. */
    public KeepConfig convention(final Rendezvous.Convention value) {
        convention = value;
        return this;
    }

    /** Sets how long a connection may take. */
    public KeepConfig connectTimeout(final Duration value) {
        connectTimeout = value;
        return this;
    }

    /** Sets how long an exchange may stand without a byte moving. There is no limit on a whole exchange. */
    public KeepConfig idleTimeout(final Duration value) {
        idleTimeout = value;
        return this;
    }

    /** Sets how many exchanges one server is given at once. */
    public KeepConfig connectionsPerStore(final int value) {
        connectionsPerStore = value;
        return this;
    }

    /** Sets how often a server that failed is tried again. */
    public KeepConfig retries(final int value) {
        retries = value;
        return this;
    }

    /** Sets how often the API server is asked for the services again; zero for once. */
    public KeepConfig refreshInterval(final Duration value) {
        refreshInterval = value;
        return this;
    }

    /** Sets the storage classes that new blocks are to be in; empty for the servers' default. */
    public KeepConfig storageClasses(final List<String> value) {
        storageClasses = List.copyOf(value);
        return this;
    }

    public String name() {
        return name;
    }

    public String apiHost() {
        return apiHost;
    }

    public boolean insecure() {
        return insecure;
    }

    public boolean externalClient() {
        return externalClient;
    }

    /** Returns the token for the API server. */
    public String apiToken() {
        return apiToken.isEmpty() ? systemToken : apiToken;
    }

    /** Returns the token for indexes. */
    public String systemToken() {
        return systemToken.isEmpty() ? apiToken : systemToken;
    }

    /** Returns the token for blocks of a service: a proxy asks the API server about it, a store does not. */
    public String blockToken(final KeepService service) {
        return service.isProxy() ? apiToken() : systemToken();
    }

    public String signingKey() {
        return signingKey;
    }

    public Optional<List<KeepService>> services() {
        return Optional.ofNullable(services);
    }

    public Duration signatureTtl() {
        return signatureTtl;
    }

    public int replication() {
        return replication;
    }

    public Rendezvous.Convention convention() {
        return convention;
    }

    public Duration connectTimeout() {
        return connectTimeout;
    }

    public Duration idleTimeout() {
        return idleTimeout;
    }

    public int connectionsPerStore() {
        return connectionsPerStore;
    }

    public int retries() {
        return retries;
    }

    public Duration refreshInterval() {
        return refreshInterval;
    }

    public List<String> storageClasses() {
        return storageClasses;
    }

    /** Returns what takes this cluster's secrets out of texts. */
    public Secrets secrets() {
        return new Secrets(Stream.of(apiToken, systemToken, signingKey)
                .flatMap(secret -> Stream.of(secret, lastPart(secret)))
                .toList());
    }

    /** Returns the secret part of a {@code v2/uuid/secret} token. */
    private static String lastPart(final String token) {
        return token.substring(token.lastIndexOf('/') + 1);
    }

    /** Returns the name only: the rest has secrets. */
    @Override
    public String toString() {
        return "KeepConfig[" + name + "]";
    }
}
