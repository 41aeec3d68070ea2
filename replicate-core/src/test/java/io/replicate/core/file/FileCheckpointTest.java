package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.contract.CheckpointContract;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.CRC32C;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileCheckpointTest {
    private static final JobId JOB = new JobId("abc123");
    private static final Progress PROGRESS = new Progress(Map.of("offset", new byte[] {1, 2, 3}, "done", new byte[40]));

    @TempDir
    Path directory = Path.of("");

    @Nested
    class OneFile extends CheckpointContract {
        @Override
        protected Checkpoint open() throws Exception {
            return Providers.checkpoint(Locator.parse("file:" + directory.resolve("job.ckpt")));
        }

        @Override
        protected boolean holdsManyJobs() {
            return false;
        }
    }

    @Nested
    class Directory extends CheckpointContract {
        @Override
        protected Checkpoint open() throws Exception {
            return Providers.checkpoint(Locator.parse("file:" + directory.resolve("new/state") + "/"));
        }
    }

    private Path file() {
        return directory.resolve("job.ckpt");
    }

    private Path written() throws IOException {
        FileCheckpoint.inFile(file()).commit(JOB, PROGRESS);
        return file();
    }

    private static void assertRefused(final Category category, final String words, final ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(category))
                .hasMessageContaining(words);
    }

    @Test
    void aFileThatWasCutAnywhereIsCorruptAndLeftAsItIs() throws Exception {
        final byte[] whole = Files.readAllBytes(written());
        for (int length = 0; length < whole.length; length++) {
            final byte[] cut = Arrays.copyOf(whole, length);
            Files.write(file(), cut);
            final FileCheckpoint checkpoint = FileCheckpoint.inFile(file());

            assertRefused(Category.CORRUPT, "remove it to start", () -> checkpoint.load(JOB));
            assertRefused(Category.CORRUPT, "remove it to start", () -> checkpoint.commit(JOB, PROGRESS));
            assertRefused(Category.CORRUPT, "remove it to start", () -> checkpoint.forget(JOB));
            assertThat(Files.readAllBytes(file())).isEqualTo(cut);
        }
    }

    @Test
    void anyFlippedBitIsNoticed() throws Exception {
        final byte[] whole = Files.readAllBytes(written());
        for (int bit = 0; bit < whole.length * 8; bit++) {
            final byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file(), flipped);

            assertThatThrownBy(() -> FileCheckpoint.inFile(file()).load(JOB))
                    .as("bit %d", bit)
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isIn(Category.CORRUPT, Category.MISUSE));
            assertThat(Files.readAllBytes(file())).isEqualTo(flipped);
        }
    }

    @Test
    void lengthsOutOfBoundsAreCorruptEvenWithARightChecksum() throws Exception {
        final byte[] whole = Files.readAllBytes(written());
        for (int at = 10; at < whole.length - 4; at++) {
            for (final int value : new int[] {0, 0x7F, 0xFF}) {
                final byte[] changed = whole.clone();
                changed[at] = (byte) value;
                final CRC32C crc = new CRC32C();
                crc.update(changed, 0, changed.length - 4);
                ByteBuffer.wrap(changed).putInt(changed.length - 4, (int) crc.getValue());
                Files.write(file(), changed);
                try {
                    FileCheckpoint.inFile(file()).load(JOB); // a changed value or key is a valid file
                } catch (final ReplicationException e) {
                    assertThat(e.category()).isIn(Category.CORRUPT, Category.MISUSE);
                }
            }
        }
    }

    @Test
    void aFileOfANewerProgramIsMisuseAndSaysWhatToDo() throws Exception {
        final byte[] whole = Files.readAllBytes(written());
        whole[9] = CheckpointCodec.VERSION + 1;
        Files.write(file(), whole);

        assertRefused(
                Category.MISUSE,
                "go on with the newer program",
                () -> FileCheckpoint.inFile(file()).load(JOB));
        assertThat(Files.readAllBytes(file())).isEqualTo(whole);
    }

    @Test
    void aFileOfAnotherJobIsNeitherReadNorReplacedNorRemoved() throws Exception {
        final byte[] whole = Files.readAllBytes(written());
        final FileCheckpoint checkpoint = FileCheckpoint.inFile(file());
        final JobId other = new JobId("other");

        assertRefused(Category.MISUSE, "belongs to the job abc123", () -> checkpoint.load(other));
        assertRefused(Category.MISUSE, "belongs to the job abc123", () -> checkpoint.commit(other, PROGRESS));
        assertRefused(Category.MISUSE, "belongs to the job abc123", () -> checkpoint.forget(other));
        checkpoint.load(JOB);
        assertRefused(Category.MISUSE, "belongs to the job abc123", () -> checkpoint.commit(other, PROGRESS));
        assertThat(Files.readAllBytes(file())).isEqualTo(whole);
    }

    @Test
    void somethingElseIsNotOverwritten() throws Exception {
        Files.writeString(file(), "my precious thesis, longer than a header");

        assertRefused(
                Category.CORRUPT,
                "is no checkpoint",
                () -> FileCheckpoint.inFile(file()).commit(JOB, PROGRESS));
        assertThat(file()).hasContent("my precious thesis, longer than a header");
    }

    @Test
    void whatCameInThePlaceOfACheckpointIsNotRemoved() throws Exception {
        final FileCheckpoint checkpoint = FileCheckpoint.inFile(file());
        checkpoint.commit(JOB, PROGRESS);
        Files.writeString(file(), "a copy that somebody has made under this name");

        assertRefused(Category.CORRUPT, "is no checkpoint", () -> checkpoint.forget(JOB));

        assertThat(file()).hasContent("a copy that somebody has made under this name");
    }

    @Test
    void aMissingDirectoryAndADirectoryAsFileAreMisuse() {
        assertRefused(Category.MISUSE, "make it first", () -> FileCheckpoint.inFile(directory.resolve("no/such/file")));
        assertRefused(Category.MISUSE, "is not a regular file", () -> FileCheckpoint.inFile(directory));
    }

    @Test
    void noTemporaryFileIsLeft() throws Exception {
        final FileCheckpoint checkpoint = FileCheckpoint.inFile(file());
        for (int i = 0; i < 3; i++) {
            checkpoint.commit(JOB, PROGRESS);
        }

        assertThat(directory).isDirectoryContaining(path -> path.equals(file()));
        assertThat(Files.list(directory)).hasSize(1);
    }

    @Test
    void whatCannotBeStoredIsTheCallersMistake() {
        final Progress tooLarge = new Progress(Map.of("x", new byte[CheckpointCodec.MAX_BYTES]));

        assertThatThrownBy(() -> FileCheckpoint.inFile(file()).commit(JOB, tooLarge))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                        FileCheckpoint.inFile(file()).commit(JOB, new Progress(Map.of("ein schlüssel", new byte[0]))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(file()).doesNotExist();
    }
}
