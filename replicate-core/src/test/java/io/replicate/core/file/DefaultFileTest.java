package io.replicate.core.file;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** In the file system of the temporary directory: usually ext4. */
class DefaultFileTest extends FileBackends {
    @TempDir
    Path directory = Path.of("");

    @Override
    Path directory() {
        return directory;
    }
}
