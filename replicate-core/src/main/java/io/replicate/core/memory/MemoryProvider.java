package io.replicate.core.memory;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the backends of {@code mem:NAME} (parameter {@code size=64M} makes the volume if it is not there),
 * {@code null:} (a sink that counts, an empty source) and {@code zero:?size=1G} (with {@code data=true} told as data).
 */
public final class MemoryProvider implements Provider {
    private static final String MEM = "mem";
    private static final String NULL = "null";
    private static final String ZERO = "zero";
    private static final String SIZE = "size";
    private static final String DATA = "data";

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public MemoryProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of(MEM, NULL, ZERO);
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        return switch (locator.scheme()) {
            case MEM -> Optional.of(open(locator));
            case NULL -> {
                locator.allowOnly();
                requireBare(locator);
                yield Optional.of(new ZeroSource(locator.text(), 0, false));
            }
            default -> {
                locator.allowOnly(SIZE, DATA);
                requireBare(locator);
                yield Optional.of(new ZeroSource(locator.text(), size(locator), locator.flag(DATA)));
            }
        };
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        return switch (locator.scheme()) {
            case MEM -> {
                locator.allowOnly();
                yield Optional.of(MemoryStore.shared().sink(locator.rest()));
            }
            case NULL -> {
                locator.allowOnly();
                requireBare(locator);
                yield Optional.of(new NullSink());
            }
            default -> Optional.empty();
        };
    }

    @Override
    public Optional<Volume> volume(final Locator locator) throws IOException {
        return MEM.equals(locator.scheme()) ? Optional.of(open(locator)) : Optional.empty();
    }

    @Override
    public Optional<Checkpoint> checkpoint(final Locator locator) throws IOException {
        if (!MEM.equals(locator.scheme())) {
            return Optional.empty();
        }
        locator.allowOnly();
        return Optional.of(MemoryCheckpoint.named(locator.rest()));
    }

    private static MemoryVolume open(final Locator locator) throws IOException {
        locator.allowOnly(SIZE);
        if (locator.parameter(SIZE).isPresent()) {
            return MemoryStore.shared().volume(locator.rest(), size(locator));
        }
        return MemoryStore.shared()
                .find(locator.rest())
                .orElseThrow(() -> ReplicationException.misuse("locator '" + locator
                        + "': no such volume in this process; add ?size=64M to make one of zeros"));
    }

    private static long size(final Locator locator) throws ReplicationException {
        final Optional<String> size = locator.parameter(SIZE);
        if (size.isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': say how large, for example ?size=1G");
        }
        return Sizes.parse("locator '" + locator + "': " + SIZE, size.get());
    }

    private static void requireBare(final Locator locator) throws ReplicationException {
        if (!locator.rest().isEmpty()) {
            throw ReplicationException.misuse(
                    "locator '" + locator + "': no name may follow '" + locator.scheme() + ":'");
        }
    }
}
