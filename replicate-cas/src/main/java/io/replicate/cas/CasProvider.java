package io.replicate.cas;

import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Makes the stores {@code keep:}, {@code dir:} and {@code s3:}. */
public final class CasProvider implements Provider {
    @Override
    public Set<String> schemes() {
        return CasStores.SCHEMES;
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        return Optional.of(open(locator));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        return Optional.of(open(locator));
    }

    private static CasStore open(final Locator locator) throws IOException {
        return CasStores.open(locator, new Cancellation());
    }
}
