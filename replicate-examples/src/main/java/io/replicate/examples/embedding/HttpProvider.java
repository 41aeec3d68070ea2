package io.replicate.examples.embedding;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.net.URI;
import java.util.Optional;
import java.util.Set;

/** Makes sources of {@code http://…} and {@code https://…}. Listed in META-INF/services. */
public final class HttpProvider implements Provider {
    @Override
    public Set<String> schemes() {
        return Set.of("http", "https");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        return Optional.of(new HttpSource(URI.create(locator.text())));
    }
}
