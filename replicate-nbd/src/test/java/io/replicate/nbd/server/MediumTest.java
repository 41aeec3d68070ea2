package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.file.FileVolume;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Volume;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MediumTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 64 * MIB;

    @TempDir
    private Path directory;

    /** Each question may cost a file system in memory a walk over all pages of the file. */
    @Test
    void oneQuestionTellsAllOfAFile() throws Exception {
        final Path path = Files.write(directory.resolve("disk"), new byte[SIZE]);
        final AtomicInteger questions = new AtomicInteger();
        try (FileVolume file = FileVolume.open(path, false, FileVolume.Mode.READ_WRITE)) {
            final Volume counted = Intercepted.volume(file, (call, arguments) -> {
                if ("extents".equals(call)) {
                    questions.incrementAndGet();
                }
            });
            final Medium medium = new Medium(counted, false);
            assertThat(medium.isKnownData(0, SIZE)).isFalse();
            assertThat(medium.look(20 * MIB, 4096, 64)).allMatch(Extent::hasData);
            assertThat(medium.isKnownData(20 * MIB, 44L * MIB)).isTrue();
            assertThat(medium.isKnownData(0, 4096)).isFalse();
            assertThat(questions).hasValue(1);
            medium.trim(30 * MIB, MIB, Set.of());
            assertThat(medium.isKnownData(30 * MIB, 4096)).isFalse();
            assertThat(medium.look(30 * MIB, 4096, 64).get(0).hasData()).isFalse();
        }
    }
}
