package io.replicate.core.spi;

import java.io.IOException;
import java.util.Optional;

/**
 * Finds the provider that makes the wanted face of a locator's scheme. Several providers may serve one scheme with different
 * faces. Each backend can also be constructed directly.
 */
public final class Providers {

    private Providers() {}

    /** Loaded when it is first needed, once. */
    private static final class Registry {
        static final ProviderRegistry ALL = new ProviderRegistry(Provider.class.getClassLoader());
    }

    private interface Face<T> {
        Optional<T> of(Provider provider, Locator locator) throws IOException;
    }

    /** Opens the source that a locator names. */
    public static Source<?> source(final Locator locator) throws IOException {
        return open(locator, "read from", "source", Provider::source);
    }

    /** Opens the sink that a locator names. */
    public static Sink<?> sink(final Locator locator) throws IOException {
        return open(locator, "write to", "sink", Provider::sink);
    }

    /** Opens the volume that a locator names. */
    public static Volume volume(final Locator locator) throws IOException {
        return open(locator, "use as a volume", "volume", Provider::volume);
    }

    /** Opens a transport for addresses such as the locator. */
    public static Transport transport(final Locator locator) throws IOException {
        return open(locator, "connect through", "transport", Provider::transport);
    }

    /** Opens the checkpoint that a locator names. */
    public static Checkpoint checkpoint(final Locator locator) throws IOException {
        return open(locator, "keep checkpoints in", "checkpoint", Provider::checkpoint);
    }

    private static <T> T open(final Locator locator, final String purpose, final String method, final Face<T> face)
            throws IOException {
        for (final Provider provider : Registry.ALL.find(locator, method)) {
            final Optional<T> backend = face.of(provider, locator);
            if (backend.isPresent()) {
                return backend.get();
            }
        }
        throw ReplicationException.misuse(
                "locator '" + locator + "': cannot " + purpose + " a '" + locator.scheme() + ":' backend");
    }
}
