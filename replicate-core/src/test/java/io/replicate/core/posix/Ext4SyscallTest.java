package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

class Ext4SyscallTest extends SyscallContract {
    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    void requireExt4() throws IOException {
        String type = Files.getFileStore(directory).type();
        assumeTrue("ext4".equals(type), "missing kernel feature: ext4 below java.io.tmpdir, which is " + type);
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
        return true;
    }

    @Override
    boolean hasNowait() {
        return true;
    }

    @Override
    boolean insistsOnAlignment() {
        return true;
    }
}
