package io.replicate.ring;

import io.replicate.core.contract.FullDisk;
import io.replicate.core.memory.MemoryStore;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/**
 * {@code faulty://…} is a member of a {@link FaultyNet}, {@code full:NAME-N?freeN=BYTES} a volume in memory on a
 * disk that is full after so many bytes.
 */
public final class FaultyProvider implements Provider {
    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public FaultyProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("faulty", "full");
    }

    @Override
    public Optional<Transport> transport(final Locator locator) throws IOException {
        return Optional.of(FaultyNet.transport(locator));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        return Optional.of(new FullDisk(
                MemoryStore.shared().sink(locator.rest()),
                Long.parseLong(locator.parameter("free" + locator.rest().replaceAll(".*-", ""))
                        .orElse("" + Long.MAX_VALUE))));
    }
}
