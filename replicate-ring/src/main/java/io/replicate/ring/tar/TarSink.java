package io.replicate.ring.tar;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Makes a directory tree of a stream of tar. A new tree grows beside its final name and gets it when tar has taken all of
 * it; one that is updated changes where it is.
 */
final class TarSink implements Sink<Extent> {
    private final Path directory;
    private final boolean update;

    TarSink(final Path directory, final boolean update) {
        this.directory = directory;
        this.update = update;
    }

    @Override
    public Geometry geometry() {
        return Geometry.stream();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        final Path parent = directory.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw ReplicationException.misuse(
                    directory + ": the directory " + parent + " does not exist; make it first");
        }
        if (update) {
            if (!Files.isDirectory(directory)) {
                throw ReplicationException.misuse(directory + ": is no directory that could be updated");
            }
            return new TarSession(parent, directory, directory);
        }
        if (Files.exists(directory) && !isEmptyDirectory()) {
            throw ReplicationException.misuse(
                    directory + ": exists already; add ?update=true to replace its files, or name a new one");
        }
        return new TarSession(parent, directory, parent.resolve("." + directory.getFileName() + ".part"));
    }

    private boolean isEmptyDirectory() throws IOException {
        if (!Files.isDirectory(directory)) {
            return false;
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.findAny().isEmpty();
        }
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "tar:" + directory;
    }
}
