package io.replicate.core.file;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the backends of {@code file:PATH} and of bare paths. Parameter: {@code direct=true} goes around the page cache.
 */
public final class FileProvider implements Provider {
    private static final String DIRECT = "direct";

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public FileProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("file");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        locator.allowOnly(DIRECT);
        return Optional.of(FileSource.open(Path.of(locator.rest()), locator.flag(DIRECT)));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        locator.allowOnly(DIRECT);
        return Optional.of(new FileSink(Path.of(locator.rest()), locator.flag(DIRECT)));
    }

    @Override
    public Optional<Checkpoint> checkpoint(final Locator locator) throws IOException {
        locator.allowOnly();
        final Path path = Path.of(locator.rest());
        final boolean directory = locator.rest().endsWith("/") || Files.isDirectory(path);
        return Optional.of(directory ? FileCheckpoint.inDirectory(path) : FileCheckpoint.inFile(path));
    }
}
