package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {
    @TempDir
    private Path directory = Path.of("");

    private static ByteBuffer utf8(String text) {
        return StandardCharsets.UTF_8.encode(text);
    }

    @Test
    void replacingMakesAndThenChangesTheTarget() throws IOException {
        Path target = directory.resolve("state");
        DurableFiles.replace(target, utf8("one"));
        assertThat(target).hasContent("one");
        ByteBuffer second = utf8("second");
        DurableFiles.replace(target, second);
        assertThat(target).hasContent("second");
        assertThat(second.remaining()).as("the caller's buffer is left alone").isEqualTo(6);
        assertThat(directory).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void aReplacementThatFailsLeavesNothingBehind() throws IOException {
        Path target = Files.createDirectory(directory.resolve("state"));
        Files.createFile(target.resolve("child"));
        assertThatThrownBy(() -> DurableFiles.replace(target, utf8("x")))
                .isInstanceOf(PosixException.class)
                .hasMessageStartingWith("rename ")
                .hasMessageEndingWith(": EISDIR");
        try (var names = Files.list(directory)) {
            assertThat(names).containsExactly(target);
        }
    }

    @Test
    void publishingANewNameNeverReplaces() throws IOException {
        Path temporary = DurableFiles.temporaryBeside(directory.resolve("disk.img"));
        assertThat(temporary.getParent()).isEqualTo(directory);
        assertThat(temporary.getFileName().toString()).matches("\\.disk\\.img\\.[0-9a-f]{12}\\.tmp");
        Files.writeString(temporary, "new");
        Path target = directory.resolve("disk.img");
        Files.writeString(target, "old");
        assertThatThrownBy(() -> DurableFiles.publishNew(temporary, target))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(target).hasContent("old");
        Files.delete(target);
        DurableFiles.publishNew(temporary, target);
        assertThat(target).hasContent("new");
        assertThat(temporary).doesNotExist();
    }

    @Test
    void aMissingDirectoryIsNamed() {
        Path absent = directory.resolve("absent");
        assertThatThrownBy(() -> DurableFiles.fsyncDirectory(absent)).hasMessage("open " + absent + ": ENOENT");
    }
}
