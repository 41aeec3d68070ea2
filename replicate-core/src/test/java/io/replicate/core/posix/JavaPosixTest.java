package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files on a machine where no native library loads. */
class JavaPosixTest {
    @TempDir
    private Path directory = Path.of("");

    private final Posix posix = new JavaPosix();
    private final Memory data = Memory.random(300_000, 5);
    private final Memory back = new Memory(300_000);

    private NativeFile create() throws IOException {
        return NativeFile.open(
                posix,
                directory.resolve("file"),
                EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE));
    }

    @Test
    void filesAreReadAndWrittenByAddress() throws IOException {
        try (NativeFile file = create()) {
            file.pwrite(data.address(), data.size(), 1000);
            assertThat(file.size()).isEqualTo(301_000);
            assertThat(file.stat().isRegularFile()).isTrue();
            assertThat(file.pread(back.address(), back.size(), 1000)).isEqualTo(back.size());
            assertThat(back.bytes()).isEqualTo(data.bytes());
            assertThat(file.pread(back.address(), 10, 301_000)).isZero();
            file.datasync();
            file.sync();
            file.truncate(500);
            file.truncate(700);
            assertThat(file.size()).isEqualTo(700);
        }
    }

    @Test
    void addressesAgreeWithTheNativeOnes() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(16);
        assertThat(posix.addressOf(buffer)).isEqualTo(Posix.get().addressOf(buffer));
    }

    @Test
    void missingCallsFallBack() throws IOException {
        try (NativeFile file = create()) {
            file.pwrite(data.address(), data.size(), 0);
            file.zero(100, 200_000, ZeroMode.MAY_PUNCH);
            assertThat(file.pread(back.address(), 200_000, 100)).isEqualTo(200_000);
            assertThat(back.bytes(0, 200_000)).containsOnly(0);
            assertThat(file.nextData(5)).isEqualTo(new FileRange(5, data.size() - 5));
            assertThat(file.punch(0, 10)).isFalse();
            assertThat(file.preallocate(0, 10)).isFalse();
            assertThat(file.readCached(back.address(), 10, 0)).isEqualTo(NativeFile.WOULD_BLOCK);
            file.advise(0, 10, Linux.POSIX_FADV_WILLNEED);
            file.startWriteback(0, 10);
            assertThatThrownBy(file::tryLock)
                    .isInstanceOfSatisfying(
                            PosixException.class,
                            e -> assertThat(e.isUnsupported()).isTrue())
                    .hasMessageEndingWith(": ENOSYS");
        }
        assertThat(Files.size(directory.resolve("file"))).isEqualTo(data.size());
    }

    @Test
    void errorsAreNamedAsTheKernelWould() throws IOException {
        String absent = directory.resolve("absent").toString();
        assertThat(posix.open(absent, Linux.O_RDONLY, 0)).isEqualTo(-Errnos.ENOENT);
        int fd = posix.open(absent, Linux.O_CREAT | Linux.O_EXCL | Linux.O_WRONLY, 0600);
        assertThat(fd).isPositive();
        assertThat(posix.open(absent, Linux.O_CREAT | Linux.O_EXCL | Linux.O_WRONLY, 0600))
                .isEqualTo(-Errnos.EEXIST);
        assertThat(posix.write(fd, data.address(), 10)).isEqualTo(10);
        assertThat(posix.rename(absent, directory.resolve("renamed").toString(), 0))
                .isZero();
        assertThat(posix.close(fd)).isZero();
        assertThat(posix.close(fd)).isEqualTo(-Errnos.EBADF);
        assertThat(posix.pread(fd, back.address(), 10, 0)).isEqualTo(-Errnos.EBADF);
        assertThat(posix.pipe2(new int[2], 0)).isEqualTo(-Errnos.ENOSYS);
    }
}
