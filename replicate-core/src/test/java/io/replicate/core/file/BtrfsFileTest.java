package io.replicate.core.file;

import io.replicate.core.posix.LoopMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

@Tag("root")
class BtrfsFileTest extends FileBackends {
    private static @Nullable LoopMount mounted;

    private @Nullable Path directory;

    @BeforeAll
    static void mount() throws IOException {
        mounted = LoopMount.mount("btrfs", 400L << 20);
    }

    @AfterAll
    static void unmount() {
        if (mounted != null) {
            mounted.close();
        }
    }

    @Override
    Path directory() throws IOException {
        if (directory == null && mounted != null) {
            directory = Files.createTempDirectory(mounted.path(), "test-");
        }
        return Objects.requireNonNull(directory);
    }
}
