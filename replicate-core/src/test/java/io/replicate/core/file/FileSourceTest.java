package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Selection;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileSourceTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    Path directory = Path.of("");

    private Path file(final byte[] content) throws IOException {
        return Files.write(directory.resolve("source"), content);
    }

    private static void cut(final Path file, final long sizeBytes) throws IOException {
        try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.setLength(sizeBytes);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFileThatShrinksWhileItIsReadFailsTheJobAndNamesTheOffset(final boolean direct) throws Exception {
        final Path file = file(new byte[SIZE]);
        final Block block = Block.unpooled(65_536);
        try (FileSource source = FileSource.open(file, direct)) {
            cut(file, 500_000);

            assertThatThrownBy(() -> source.read(Extent.data(458_752, 65_536), block))
                    .hasMessageContaining("offset=500000")
                    .hasMessageContaining("shrank")
                    .satisfies(
                            e -> assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.FAIL_JOB));
        } finally {
            block.release();
        }
    }

    @Test
    void aFileThatShrinksBehindThePlanFailsItRatherThanEndInAHole() throws Exception {
        final Path file = file(new byte[SIZE]);
        try (FileSource source = FileSource.open(file, false);
                Plan<Extent> plan = source.plan(Selection.ALL)) {
            cut(file, 0);

            assertThatThrownBy(() -> {
                        while (plan.next() != null) {
                            continue;
                        }
                    })
                    .hasMessageContaining("shrank");
        }
    }

    @Test
    void whatIsAppendedLaterIsNotRead() throws Exception {
        final Path file = file(new byte[1000]);
        final Block block = Block.unpooled(4096);
        try (FileSource source = FileSource.open(file, false)) {
            cut(file, 5000);

            assertThat(source.read(Extent.data(0, 4096), block)).isEqualTo(1000);
            try (Plan<Extent> plan = source.plan(Selection.ALL)) {
                assertThat(plan.next()).isEqualTo(Extent.data(0, 1000));
                assertThat(plan.next()).isNull();
            }
        } finally {
            block.release();
        }
    }

    @Test
    void holesAreNotData() throws Exception {
        final Path file = directory.resolve("sparse");
        cut(Files.createFile(file), 1L << 40);

        try (FileSource source = FileSource.open(file, false);
                Plan<Extent> plan = source.plan(Selection.ALL)) {
            assertThat(plan.next()).isEqualTo(Extent.hole(0, 1L << 40));
            assertThat(plan.next()).isNull();
        }
    }

    @Test
    void anEmptyFileIsASourceOfNothing() throws Exception {
        final Block block = Block.unpooled(512);
        try (FileSource source = FileSource.open(file(new byte[0]), false);
                Plan<Extent> plan = source.plan(Selection.ALL)) {
            assertThat(source.geometry().sizeBytes()).isZero();
            assertThat(plan.next()).isNull();
            assertThat(source.read(Extent.data(0, 1), block)).isEqualTo(-1);
        } finally {
            block.release();
        }
    }

    @Test
    void aMissingFileAndADirectoryAreMisuse() {
        assertMisuse("no such file", directory.resolve("nothing"));
        assertMisuse("is a directory", directory);
    }

    private static void assertMisuse(final String words, final Path path) {
        assertThatThrownBy(() -> FileSource.open(path, false).close())
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(words);
    }
}
