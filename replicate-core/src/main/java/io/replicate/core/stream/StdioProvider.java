package io.replicate.core.stream;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Makes the source and sink of {@code stdio:}. Parameter of the source: {@code size=10G}, the length to expect. */
public final class StdioProvider implements Provider {

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public StdioProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("stdio");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        requireNoName(locator);
        locator.allowOnly("size");
        final Optional<String> size = locator.parameter("size");
        return Optional.of(StreamSource.stdin(size.isPresent() ? Sizes.parse("size", size.get()) : Unit.UNKNOWN));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        requireNoName(locator);
        locator.allowOnly();
        return Optional.of(StreamSink.stdout());
    }

    private static void requireNoName(final Locator locator) throws ReplicationException {
        if (!locator.rest().isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': nothing may follow 'stdio:'");
        }
    }
}
