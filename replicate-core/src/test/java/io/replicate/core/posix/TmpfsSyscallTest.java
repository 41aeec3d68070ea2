package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

class TmpfsSyscallTest extends SyscallContract {
    private static final Path SHM = Path.of("/dev/shm");

    private Path directory = SHM;

    @BeforeEach
    void makeDirectory() throws IOException {
        assumeTrue(
                Files.isWritable(SHM) && "tmpfs".equals(Files.getFileStore(SHM).type()),
                "missing kernel feature: tmpfs at /dev/shm");
        directory = Files.createTempDirectory(SHM, "replicate-test");
    }

    @AfterEach
    void removeDirectory() throws IOException {
        closeAll();
        Files.delete(directory);
    }

    @Override
    Path directory() {
        return directory;
    }

    @Override
    boolean sharesStorage() {
        return false;
    }

    @Override
    boolean hasZeroRange() {
        return false;
    }

    @Override
    boolean hasNowait() {
        return false;
    }

    @Override
    boolean insistsOnAlignment() {
        return false;
    }
}
