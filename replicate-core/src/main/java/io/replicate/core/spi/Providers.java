package io.replicate.core.spi;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** Finds the provider of a locator's scheme. Each backend can also be constructed directly. */
public final class Providers {

    private Providers() {}

    private static final class Registry {
        static final Map<String, Provider> BY_SCHEME = load();

        private static Map<String, Provider> load() {
            final Map<String, Provider> byScheme = new TreeMap<>();
            for (final Provider provider : ServiceLoader.load(Provider.class, Provider.class.getClassLoader())) {
                provider.schemes().forEach(scheme -> byScheme.putIfAbsent(scheme, provider));
            }
            return byScheme;
        }
    }

    private interface Face<T> {
        Optional<T> of(Provider provider, Locator locator) throws IOException;
    }

    /** Opens the source that a locator names. */
    public static Source<?> source(final Locator locator) throws IOException {
        return open(locator, "read from", Provider::source);
    }

    /** Opens the sink that a locator names. */
    public static Sink<?> sink(final Locator locator) throws IOException {
        return open(locator, "write to", Provider::sink);
    }

    /** Opens the volume that a locator names. */
    public static Volume volume(final Locator locator) throws IOException {
        return open(locator, "use as a volume", Provider::volume);
    }

    /** Opens a transport for addresses such as the locator. */
    public static Transport transport(final Locator locator) throws IOException {
        return open(locator, "connect through", Provider::transport);
    }

    /** Opens the checkpoint that a locator names. */
    public static Checkpoint checkpoint(final Locator locator) throws IOException {
        return open(locator, "keep checkpoints in", Provider::checkpoint);
    }

    private static <T> T open(final Locator locator, final String purpose, final Face<T> face) throws IOException {
        final Provider provider = Registry.BY_SCHEME.get(locator.scheme());
        if (provider == null) {
            throw ReplicationException.misuse("locator '" + locator + "': unknown scheme '" + locator.scheme()
                    + "', known: " + String.join(", ", Registry.BY_SCHEME.keySet()));
        }
        return face.of(provider, locator)
                .orElseThrow(() -> ReplicationException.misuse(
                        "locator '" + locator + "': cannot " + purpose + " a '" + locator.scheme() + ":' backend"));
    }
}
