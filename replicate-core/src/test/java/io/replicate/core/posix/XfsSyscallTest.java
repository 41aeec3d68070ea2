package io.replicate.core.posix;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;

@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class XfsSyscallTest extends SyscallContract {
    private static final long IMAGE_BYTES = 400L << 20;

    private @Nullable LoopMount mounted;

    @BeforeAll
    void mount() throws IOException {
        mounted = LoopMount.mount("xfs", IMAGE_BYTES);
    }

    @AfterAll
    void unmount() {
        if (mounted != null) {
            mounted.close();
        }
    }

    @Override
    Path directory() {
        if (mounted == null) {
            throw new IllegalStateException("not mounted");
        }
        return mounted.path();
    }

    @Override
    boolean sharesStorage() {
        return true;
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
