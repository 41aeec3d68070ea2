package io.replicate.core.spi;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * Finds the providers of a locator's scheme: the first that has the wanted face makes it. Each backend can also be
 * constructed directly.
 */
public final class Providers {

    private Providers() {}

    private static final class Registry {
        static final Map<String, List<Provider>> BY_SCHEME = load();

        private static Map<String, List<Provider>> load() {
            final Map<String, List<Provider>> byScheme = new TreeMap<>();
            for (final Provider provider : ServiceLoader.load(Provider.class, Provider.class.getClassLoader())) {
                provider.schemes()
                        .forEach(scheme -> byScheme.computeIfAbsent(scheme, key -> new ArrayList<>())
                                .add(provider));
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
        final List<Provider> providers = Registry.BY_SCHEME.get(locator.scheme());
        if (providers == null) {
            throw ReplicationException.misuse("locator '" + locator + "': unknown scheme '" + locator.scheme()
                    + "', known: " + String.join(", ", Registry.BY_SCHEME.keySet()));
        }
        for (final Provider provider : providers) {
            final Optional<T> backend = face.of(provider, locator);
            if (backend.isPresent()) {
                return backend.get();
            }
        }
        throw ReplicationException.misuse(
                "locator '" + locator + "': cannot " + purpose + " a '" + locator.scheme() + ":' backend");
    }
}
