package io.replicate.cas.dir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.ContentStoreContract;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirStoreTest {
    private abstract static class Contract extends ContentStoreContract {
        @TempDir
        private Path directory;

        private final Digest.Algorithm algorithm;

        Contract(final Digest.Algorithm algorithm) {
            this.algorithm = algorithm;
        }

        @Override
        protected CasStore newStore() throws IOException {
            return new DirStore(directory, algorithm);
        }

        @Override
        protected void corrupt(final Digest digest) throws IOException {
            final Path file = directory.resolve(digest.hex().substring(0, 3)).resolve(digest.hex());
            final byte[] data = Files.readAllBytes(file);
            data[0] ^= 1;
            Files.write(file, data);
        }
    }

    @Nested
    class WithMd5 extends Contract {
        WithMd5() {
            super(Digest.Algorithm.MD5);
        }
    }

    @Nested
    class WithSha256 extends Contract {
        WithSha256() {
            super(Digest.Algorithm.SHA_256);
        }
    }

    @Test
    void leavesOutWhatIsNoContent(@TempDir final Path directory) throws IOException {
        final Path sub = Files.createDirectories(directory.resolve("acb"));
        Files.writeString(sub.resolve("acbd18db4cc2f85cedef654fccc4a4d8"), "foo");
        Files.writeString(sub.resolve("tmp123"), "half");
        Files.writeString(sub.resolve("ACBD18DB4CC2F85CEDEF654FCCC4A4D8"), "foo");
        Files.writeString(directory.resolve("keepstore.log"), "x");

        try (DirStore store = new DirStore(directory, Digest.Algorithm.MD5);
                Plan<Digest> plan = store.plan(Selection.ALL)) {
            assertThat(plan.next())
                    .isEqualTo(Digest.parse(Digest.Algorithm.MD5, "acbd18db4cc2f85cedef654fccc4a4d8", 3));
            assertThat(plan.next()).isNull();
        }
    }

    @Test
    void wantsADirectoryThatExists(@TempDir final Path directory) {
        assertThatThrownBy(() -> new DirStore(directory.resolve("none"), Digest.Algorithm.MD5))
                .hasMessageContaining("no such directory");
    }
}
