package io.replicate.core.spi;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The providers that a class loader has, by scheme. One that cannot be loaded is left out, and named when it is missed. */
final class ProviderRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(ProviderRegistry.class);

    /** A class path that is broken in more places than this is given up. */
    private static final int MAX_BROKEN = 100;

    private final SortedMap<String, List<Provider>> byScheme = new TreeMap<>();
    private final List<String> broken = new ArrayList<>();

    ProviderRegistry(final ClassLoader loader) {
        final Iterator<Provider> found =
                ServiceLoader.load(Provider.class, loader).iterator();
        while (broken.size() < MAX_BROKEN) {
            try {
                if (!found.hasNext()) {
                    return;
                }
                add(found.next());
            } catch (final ServiceConfigurationError | RuntimeException | LinkageError e) {
                final Throwable cause = e.getCause() == null ? e : e.getCause();
                broken.add(e.getMessage() + (cause == e ? "" : " (" + cause + ")"));
                LOG.warn("a backend is left out, its provider cannot be loaded: {}", broken.get(broken.size() - 1));
            }
        }
    }

    private void add(final Provider provider) {
        for (final String scheme : provider.schemes()) {
            byScheme.computeIfAbsent(scheme, key -> new ArrayList<>()).add(provider);
        }
    }

    /**
     * Returns who makes the wanted face of a scheme: empty when nobody does.
     *
     * @param face the name of the method of {@link Provider}.
     * @throws ReplicationException MISUSE when nobody serves the scheme, or when several would make the same face: which
     *     one is meant must not be left to the order of a class path.
     */
    List<Provider> find(final Locator locator, final String face) throws ReplicationException {
        final List<Provider> providers = byScheme.get(locator.scheme());
        if (providers == null) {
            throw ReplicationException.misuse("locator '" + locator + "': unknown scheme '" + locator.scheme()
                    + "', known: " + String.join(", ", byScheme.keySet())
                    + (broken.isEmpty() ? "" : "; not loaded: " + String.join("; ", broken)));
        }
        final List<Provider> makers =
                providers.stream().filter(p -> makes(p, face)).toList();
        if (makers.size() > 1) {
            throw ReplicationException.misuse("locator '" + locator + "': "
                    + String.join(
                            " and ",
                            makers.stream().map(p -> p.getClass().getName()).toList())
                    + " both serve '" + locator.scheme() + ":'; leave one of them out of the class path");
        }
        return makers;
    }

    private static boolean makes(final Provider provider, final String face) {
        try {
            return provider.getClass().getMethod(face, Locator.class).getDeclaringClass() != Provider.class;
        } catch (final NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }
}
