package io.replicate.ring.tar;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the backends of {@code tar:DIRECTORY}. As a source it is the tree below the directory, without what matches the
 * patterns of {@code ?exclude=PATTERN,PATTERN} (as tar's {@code --exclude}). As a sink it is a new directory, or, with
 * {@code ?update=true}, an existing one whose files are replaced where they are.
 */
public final class TarProvider implements Provider {
    private static final String EXCLUDE = "exclude";
    private static final String UPDATE = "update";

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public TarProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("tar");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws ReplicationException {
        locator.allowOnly(EXCLUDE);
        final List<String> excludes = new ArrayList<>();
        for (final String pattern : locator.parameter(EXCLUDE).orElse("").split(",", -1)) {
            if (!pattern.isEmpty()) {
                excludes.add(pattern);
            }
        }
        return Optional.of(new TarSource(directory(locator), excludes));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws ReplicationException {
        locator.allowOnly(UPDATE);
        return Optional.of(new TarSink(directory(locator), locator.flag(UPDATE)));
    }

    private static Path directory(final Locator locator) throws ReplicationException {
        if (locator.rest().isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': a directory is missing");
        }
        return Path.of(locator.rest()).toAbsolutePath().normalize();
    }
}
