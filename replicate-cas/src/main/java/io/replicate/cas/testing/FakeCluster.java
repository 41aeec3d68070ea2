package io.replicate.cas.testing;

import io.replicate.cas.keep.KeepService;
import io.replicate.cas.keep.Rendezvous;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Keepstores and an API server of one cluster, on free ports of the loopback. */
public final class FakeCluster implements AutoCloseable {
    /** The ttl that block signatures have in a cluster unless it says otherwise. */
    public static final Duration SIGNATURE_TTL = Duration.ofDays(14);

    private final String id;
    private final String token;
    private final String signingKey;
    private final List<FakeKeepstore> stores = new ArrayList<>();
    private final FakeApiServer api;
    private final Era era;
    private final Path directory;
    private @Nullable FakeKeepproxy proxy;

    /**
     * Starts a cluster.
     *
     * @param id five letters or digits.
     * @param count of stores.
     * @param directory whose sub-directories become the volumes.
     * @param signingKey of blocks; empty for stores that ask for no signatures.
     */
    public FakeCluster(final Era era, final String id, final int count, final Path directory, final String signingKey) {
        this.era = era;
        this.id = id;
        this.directory = directory;
        this.token = "v2/" + id + "-gj3su-000000000000000/secret0of0" + id + "0that0nobody0may0see0in0a0log";
        this.signingKey = signingKey;
        this.api = new FakeApiServer(token);
        for (int i = 0; i < count; i++) {
            addStore();
        }
    }

    /** Starts one store more and lists it. */
    public FakeKeepstore addStore() {
        final int number = stores.size();
        final FakeKeepstore store = new FakeKeepstore(
                era,
                String.format(Locale.ROOT, "%s-bi6l4-%015d", id, number),
                directory.resolve("keep" + number),
                token,
                signingKey,
                SIGNATURE_TTL,
                0);
        stores.add(store);
        api.disks(items(Set.of()));
        return store;
    }

    /** Puts a proxy before the stores, which clients outside are shown. */
    public FakeKeepproxy addProxy() {
        final FakeKeepproxy made = new FakeKeepproxy(era, id + "-bi6l4-proxy0000000000", stores);
        proxy = made;
        api.proxies(List.of(proxyItem(made)));
        return made;
    }

    private static String proxyItem(final FakeKeepproxy proxy) {
        return FakeApiServer.service(proxy.uuid(), "localhost", proxy.port(), "proxy", false);
    }

    private List<String> items(final Set<Integer> readOnly) {
        final List<String> items = new ArrayList<>();
        for (int i = 0; i < stores.size(); i++) {
            items.add(FakeApiServer.service(
                    stores.get(i).uuid(), "localhost", stores.get(i).port(), "disk", readOnly.contains(i)));
        }
        return items;
    }

    /** Lists these stores as taking no writes. */
    public FakeCluster readOnly(final Integer... numbers) {
        api.disks(items(Set.of(numbers)));
        return this;
    }

    /** Returns the list of the stores as the API server shows it. */
    public String servicesJson() {
        return FakeApiServer.list(items(Set.of()));
    }

    /** Returns the list of the proxy alone. */
    public String proxyJson() {
        return FakeApiServer.list(List.of(proxyItem(java.util.Objects.requireNonNull(proxy, "no proxy"))));
    }

    /** Returns the token that both the API server and the stores take. */
    public String token() {
        return token;
    }

    /** Returns the key that blocks are signed with. */
    public String signingKey() {
        return signingKey;
    }

    /** Returns the API server. */
    public FakeApiServer api() {
        return api;
    }

    /** Returns the stores. */
    public List<FakeKeepstore> stores() {
        return List.copyOf(stores);
    }

    /** Returns a store. */
    public FakeKeepstore store(final int number) {
        return stores.get(number);
    }

    /** Writes the settings file of this cluster, readable by its owner. */
    public Path settings(final Path file) {
        return write(
                file,
                "ARVADOS_API_HOST=" + api.host() + "\nARVADOS_API_HOST_INSECURE=1\nARVADOS_API_TOKEN=" + token
                        + "\nARVADOS_BLOB_SIGNING_KEY=" + signingKey + "\n");
    }

    /** Writes a settings file with the token alone. */
    public Path tokenOnly(final Path file) {
        return write(file, "ARVADOS_API_TOKEN=" + token + "\n");
    }

    private static Path write(final Path file, final String text) {
        try {
            Files.writeString(file, text);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
            return file;
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Stores data in the given stores and returns its hash. */
    public String put(final byte[] data, final int... numbers) {
        for (final int number : numbers) {
            stores.get(number).blocks().put(data);
        }
        return Blocks.md5(data);
    }

    /** Returns the different hashes of all stores, in order. */
    public Set<String> hashes() {
        final Set<String> all = new TreeSet<>();
        stores.forEach(store -> all.addAll(store.blocks().hashes()));
        return all;
    }

    /** Returns the numbers of the stores that have the block. */
    public List<Integer> holders(final String hash) {
        final List<Integer> holders = new ArrayList<>();
        for (int i = 0; i < stores.size(); i++) {
            if (java.nio.file.Files.exists(stores.get(i).blocks().file(hash))) {
                holders.add(i);
            }
        }
        return holders;
    }

    /** Returns the numbers of all stores in the order in which clients should ask them for the block. */
    public List<Integer> placement(final String hash) {
        final List<KeepService> services = stores.stream()
                .map(store -> new KeepService(store.uuid(), store.uuid(), "disk", false))
                .toList();
        return Rendezvous.order(hash, services, Rendezvous.Convention.GO).stream()
                .map(services::indexOf)
                .toList();
    }

    @Override
    public void close() {
        stores.forEach(FakeKeepstore::close);
        if (proxy != null) {
            proxy.close();
        }
        api.close();
    }
}
