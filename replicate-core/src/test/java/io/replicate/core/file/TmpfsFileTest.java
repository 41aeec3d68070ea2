package io.replicate.core.file;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class TmpfsFileTest extends FileBackends {
    private static final Path SHM = Path.of("/dev/shm");

    private @Nullable Path directory;

    @Override
    Path directory() throws IOException {
        assumeTrue(Files.isWritable(SHM), "missing kernel feature: a tmpfs on /dev/shm");
        if (directory == null) {
            directory = Files.createTempDirectory(SHM, "replicate-test-");
        }
        return directory;
    }

    @AfterEach
    void removeFiles() throws IOException {
        if (directory != null) {
            final List<Path> files;
            try (Stream<Path> tree = Files.walk(directory)) {
                files = tree.sorted(Comparator.reverseOrder()).toList();
            }
            for (final Path file : files) {
                Files.delete(file);
            }
        }
    }
}
