package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NativeFileTest {
    private static final int MIB = 1 << 20;
    private static final Set<NativeFile.Option> NEW =
            EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE);

    @TempDir
    private Path directory = Path.of("");

    private final Memory data = Memory.random(MIB, 2);
    private final Memory back = new Memory(2 * MIB);
    private final Faults faults = new Faults();

    private Path path() {
        return directory.resolve("disk.img");
    }

    private NativeFile create() throws IOException {
        return NativeFile.open(faults.posix(), path(), NEW);
    }

    private NativeFile filled() throws IOException {
        NativeFile file = create();
        file.pwrite(data.address(), MIB, 0);
        return file;
    }

    private NativeFile direct() throws IOException {
        Set<NativeFile.Option> options = EnumSet.copyOf(NEW);
        options.add(NativeFile.Option.DIRECT);
        return NativeFile.open(path(), options.toArray(NativeFile.Option[]::new));
    }

    @Test
    void exclusiveCreationRefusesAnExistingFile() throws IOException {
        filled().close();
        assertThatThrownBy(() -> NativeFile.open(
                        path(), NativeFile.Option.WRITE, NativeFile.Option.CREATE, NativeFile.Option.EXCLUSIVE))
                .hasMessage("open " + path() + ": EEXIST");
    }

    @Test
    void truncateEmptiesAnExistingFile() throws IOException {
        filled().close();
        try (NativeFile file = NativeFile.open(path(), NativeFile.Option.WRITE, NativeFile.Option.TRUNCATE)) {
            assertThat(file.size()).isZero();
        }
    }

    @Test
    void readingIsTheDefault() throws IOException {
        filled().close();
        try (NativeFile file = NativeFile.open(path())) {
            assertThat(file.pread(back.address(), 10, 0)).isEqualTo(10);
            assertThatThrownBy(() -> file.pwrite(data.address(), 10, 0))
                    .hasMessage("pwrite " + path() + " offset=0 length=10: EBADF");
        }
    }

    @Test
    void shortTransfersAreFinished() throws IOException {
        faults.on("pwrite", a -> Posix.get().pwrite((int) a[0], (long) a[1], Math.min((long) a[2], 1000), (long) a[3]));
        faults.on("pread", a -> Posix.get().pread((int) a[0], (long) a[1], Math.min((long) a[2], 1001), (long) a[3]));
        try (NativeFile file = filled()) {
            assertThat(file.pread(back.address(), MIB, 0)).isEqualTo(MIB);
            assertThat(back.bytes(0, MIB)).isEqualTo(data.bytes());
        }
    }

    @Test
    void readsAreShortOnlyAtTheEnd() throws IOException {
        try (NativeFile file = filled()) {
            assertThat(file.pread(back.address(), MIB, MIB - 10)).isEqualTo(10);
            assertThat(file.pread(back.address(), MIB, MIB)).isZero();
        }
    }

    @Test
    void aFullDiskIsReportedWithItsPlace() throws IOException {
        faults.on(
                "pwrite",
                a -> (long) a[3] == 0
                        ? Posix.get().pwrite((int) a[0], (long) a[1], 65_536, (long) a[3])
                        : (Object) (long) -Errnos.ENOSPC);
        try (NativeFile file = create()) {
            assertThatThrownBy(() -> file.pwrite(data.address(), MIB, 0))
                    .isInstanceOfSatisfying(PosixException.class, e -> {
                        assertThat(e.errno()).isEqualTo(Errnos.ENOSPC);
                        assertThat(e.offset()).isEqualTo(65_536);
                        assertThat(e.length()).isEqualTo(MIB - 65_536);
                    })
                    .hasMessage("pwrite " + path() + " offset=65536 length=983040: ENOSPC");
        }
    }

    @Test
    void aWriteOfNothingDoesNotLoopForEver() throws IOException {
        faults.on("pwrite", a -> 0L);
        try (NativeFile file = create()) {
            assertThatThrownBy(() -> file.pwrite(data.address(), 10, 0)).hasMessageEndingWith(": EIO");
        }
    }

    @Test
    void buffersMoveTheirPosition() throws IOException {
        try (NativeFile file = create()) {
            ByteBuffer out = data.buffer().duplicate().position(100).limit(300);
            file.write(out, 7);
            assertThat(out.hasRemaining()).isFalse();
            ByteBuffer in = back.buffer().duplicate().position(50).limit(1000);
            assertThat(file.read(in, 7)).isEqualTo(200);
            assertThat(in.position()).isEqualTo(250);
            assertThat(back.bytes(50, 200)).isEqualTo(data.bytes(100, 200));
            assertThatThrownBy(() -> file.write(ByteBuffer.allocate(1), 0))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void nextDataWalksTheAllocatedRuns() throws IOException {
        try (NativeFile file = create()) {
            file.truncate(8L * MIB);
            file.pwrite(data.address(), 65_536, MIB);
            file.pwrite(data.address(), 65_536, 4L * MIB);
            assertThat(file.nextData(0)).isEqualTo(new FileRange(MIB, 65_536));
            assertThat(file.nextData(MIB + 65_536)).isEqualTo(new FileRange(4L * MIB, 65_536));
            assertThat(file.nextData(4L * MIB + 65_536)).isNull();
            assertThat(file.nextData(0, MIB)).isNull();
            assertThat(file.nextData(0, MIB + 1)).isEqualTo(new FileRange(MIB, 65_536));
            assertThat(file.nextData(8L * MIB)).isNull();
        }
    }

    @Test
    void aRunThatIsFreedWhileItsEndIsLookedForIsNoRun() throws IOException {
        try (NativeFile file = create()) {
            file.truncate(8L * MIB);
            file.pwrite(data.address(), 65_536, MIB);
            file.pwrite(data.address(), 65_536, 4L * MIB);
            faults.on("lseek", a -> {
                if ((int) a[2] == Linux.SEEK_HOLE) {
                    faults.heal("lseek");
                    file.punch(MIB, 65_536);
                }
                return null;
            });
            assertThat(file.nextData(0)).isEqualTo(new FileRange(4L * MIB, 65_536));
        }
    }

    /** As a file system in user space may: everything is data there, and nobody asks for ever. */
    @Test
    @Timeout(60)
    void whatFollowsIsDataWhereAHoleIsSaidToBeginAtTheData() throws IOException {
        try (NativeFile file = create()) {
            file.truncate(8L * MIB);
            file.pwrite(data.address(), 65_536, MIB);
            faults.on("lseek", a -> (int) a[2] == Linux.SEEK_HOLE ? a[1] : null);
            assertThat(file.nextData(0)).isEqualTo(new FileRange(MIB, 7L * MIB));
        }
    }

    @Test
    void everythingIsDataWhereHolesCannotBeAsked() throws IOException {
        try (NativeFile file = create()) {
            file.truncate(MIB);
            faults.on("lseek", a -> (int) a[2] == Linux.SEEK_DATA ? (Object) (long) -Errnos.EINVAL : null);
            assertThat(file.nextData(100)).isEqualTo(new FileRange(100, MIB - 100));
            assertThat(file.nextData(MIB)).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource(ZeroMode.class)
    void zeroingExtendsTheFileAsAWriteWould(ZeroMode mode) throws IOException {
        try (NativeFile file = filled()) {
            file.zero(MIB - 100, 10_000, mode);
            assertThat(file.size()).isEqualTo(MIB - 100 + 10_000);
            assertZeroed(file, MIB - 100, 10_000);
        }
    }

    @ParameterizedTest
    @CsvSource({"MAY_PUNCH, 3", "MAY_PUNCH, 16", "KEEP_ALLOCATED, 16"})
    void zeroingExtendsTheFileWithoutOneOfTheCallsToo(ZeroMode mode, int missing) throws IOException {
        faults.on("fallocate", a -> (int) a[1] == missing ? -Errnos.EOPNOTSUPP : null);
        try (NativeFile file = filled()) {
            file.zero(MIB - 100, 10_000, mode);
            assertThat(file.size()).isEqualTo(MIB - 100 + 10_000);
            assertZeroed(file, MIB - 100, 10_000);
        }
    }

    private void assertZeroed(NativeFile file, int offset, int length) throws IOException {
        byte[] expected = Arrays.copyOf(data.bytes(), (int) file.size());
        Arrays.fill(expected, offset, offset + length, (byte) 0);
        assertThat(file.pread(back.address(), expected.length, 0)).isEqualTo(expected.length);
        assertThat(back.bytes(0, expected.length)).isEqualTo(expected);
    }

    /** ZERO_RANGE allocates: zeroing a sparse file with it would fill the disk. */
    @ParameterizedTest
    @CsvSource({"MAY_PUNCH, 3", "KEEP_ALLOCATED, 16"})
    void onlyZeroingThatKeepsStorageAllocates(ZeroMode mode, int call) throws IOException {
        List<Integer> calls = new ArrayList<>();
        faults.on("fallocate", a -> {
            calls.add((int) a[1]);
            return 0;
        });
        try (NativeFile file = create()) {
            file.truncate(MIB);
            file.zero(1000, 600_000, mode);
            assertThat(file.zeroFast(0, 4096, mode)).isTrue();
        }
        assertThat(calls).containsExactly(call, call);
    }

    @Test
    void zeroingFallsBackByErrnoOnceAndThenWrites() throws IOException {
        faults.fail("fallocate", Errnos.EOPNOTSUPP);
        try (NativeFile file = filled()) {
            for (int round = 0; round < 3; round++) {
                file.zero(1000, 600_000, ZeroMode.MAY_PUNCH);
            }
            assertThat(faults.count("fallocate"))
                    .as("PUNCH_HOLE and ZERO_RANGE once each")
                    .isEqualTo(2);
            assertZeroed(file, 1000, 600_000);
            assertThat(file.zeroFast(0, 1000, ZeroMode.MAY_PUNCH)).isFalse();
            assertThat(file.punch(0, 1000)).isFalse();
            assertThat(file.discard(0, 1000)).isFalse();
            assertZeroed(file, 1000, 600_000);
        }
    }

    @Test
    void keepingStorageNeverPunches() throws IOException {
        faults.fail("fallocate", Errnos.EOPNOTSUPP);
        try (NativeFile file = filled()) {
            assertThat(file.zeroFast(0, 4096, ZeroMode.KEEP_ALLOCATED)).isFalse();
            assertThat(faults.count("fallocate")).isEqualTo(1);
        }
    }

    @Test
    void anErrorThatIsNotLackOfSupportIsNotSwallowed() throws IOException {
        faults.fail("fallocate", Errnos.EIO);
        try (NativeFile file = filled()) {
            assertThatThrownBy(() -> file.zero(0, 4096, ZeroMode.MAY_PUNCH))
                    .hasMessage("fallocate PUNCH_HOLE " + path() + " offset=0 length=4096: EIO");
            assertThatThrownBy(() -> file.preallocate(0, 4096)).hasMessageEndingWith(": EIO");
        }
    }

    @Test
    void punchingFreesStorageAndKeepsTheSize() throws IOException {
        try (NativeFile file = filled()) {
            assertThat(file.punch(0, 512 << 10)).isTrue();
            assertThat(file.size()).isEqualTo(MIB);
            assertZeroed(file, 0, 512 << 10);
            assertThat(file.nextData(0)).isEqualTo(new FileRange(512 << 10, 512 << 10));
            assertThat(file.discard(512 << 10, 512 << 10)).isTrue();
            assertThat(file.nextData(0)).isNull();
        }
    }

    @Test
    void emptyRangesAreNothingToDo() throws IOException {
        try (NativeFile file = filled()) {
            assertThat(file.preallocate(0, 0)).isTrue();
            assertThat(file.punch(10, 0)).isTrue();
            assertThat(file.discard(10, 0)).isTrue();
            file.zero(2L * MIB, 0, ZeroMode.MAY_PUNCH);
            file.pwrite(data.address(), 0, 2L * MIB);
            assertThat(file.size()).isEqualTo(MIB);
            assertThat(file.pread(back.address(), 0, 0)).isZero();
        }
    }

    @Test
    void preallocationReservesStorage() throws IOException {
        try (NativeFile file = create()) {
            assertThat(file.preallocate(0, 4L * MIB)).isTrue();
            assertThat(file.size()).isEqualTo(4L * MIB);
            assertThat(file.stat().allocatedBytes()).isGreaterThanOrEqualTo(4L * MIB);
        }
        faults.fail("fallocate", Errnos.ENOSYS);
        try (NativeFile file = create()) {
            assertThat(file.preallocate(0, MIB)).isFalse();
        }
    }

    @Test
    void aFailedSyncIsFinal() throws IOException {
        try (NativeFile file = filled()) {
            file.datasync();
            faults.fail("fdatasync", Errnos.EIO);
            assertThatThrownBy(file::datasync).hasMessage("fdatasync " + path() + ": EIO");
            faults.heal("fdatasync");
            assertThatThrownBy(file::datasync).hasMessage("fdatasync after a failed sync of " + path() + ": EIO");
            assertThatThrownBy(file::sync).hasMessageEndingWith(": EIO");
        }
    }

    @Test
    void aLockExcludesOthersUntilTheFileIsClosed() throws IOException {
        try (NativeFile other = create()) {
            try (NativeFile file = create()) {
                assertThat(file.tryLock()).isTrue();
                assertThat(other.tryLock()).isFalse();
            }
            assertThat(other.tryLock()).isTrue();
        }
    }

    @Test
    void hintsDoNotFailWhereTheyAreNotKnown() throws IOException {
        try (NativeFile file = filled()) {
            file.startWriteback(0, MIB);
            file.advise(0, MIB, Linux.POSIX_FADV_DONTNEED);
            faults.fail("fadvise", Errnos.EINVAL);
            faults.fail("syncFileRange", Errnos.ENOSYS);
            assertThatCode(() -> {
                        file.startWriteback(0, MIB);
                        file.advise(0, MIB, Linux.POSIX_FADV_DONTNEED);
                    })
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void cachedReadsNeverWait() throws IOException {
        try (NativeFile file = filled()) {
            faults.failLong("preadv2", Errnos.EAGAIN);
            assertThat(file.readCached(back.address(), 4096, 0)).isEqualTo(NativeFile.WOULD_BLOCK);
            faults.on("preadv2", a -> Posix.get().pread((int) a[0], (long) a[1], (long) a[2], (long) a[3]));
            assertThat(file.readCached(back.address(), 4096, 0)).isEqualTo(4096);
            assertThat(back.bytes(0, 4096)).isEqualTo(data.bytes(0, 4096));
            faults.failLong("preadv2", Errnos.EIO);
            assertThatThrownBy(() -> file.readCached(back.address(), 4096, 0)).hasMessageEndingWith(": EIO");
        }
    }

    @Test
    void cachedReadsAreRefusedWhereTheFileSystemCannotTell() throws IOException {
        try (NativeFile file = filled()) {
            faults.failLong("preadv2", Errnos.EOPNOTSUPP);
            long answer = file.readCached(back.address(), 4096, 0);
            boolean inMemory = Files.getFileStore(path()).type().equals("tmpfs");
            assertThat(answer).isEqualTo(inMemory ? 4096 : NativeFile.WOULD_BLOCK);
            file.readCached(back.address(), 4096, 0);
            assertThat(faults.count("preadv2")).as("tried once").isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"0,1048576", "0,1000000", "512,4096", "1,1", "511,2", "4095,100000", "1000,1048", "0,511", "1048000,576"
    })
    void directFilesTakeUnalignedTransfersToo(int offset, int length) throws IOException {
        byte[] expected = new byte[Math.max(MIB, offset + length)];
        try (NativeFile file = direct()) {
            assertThat(file.isDirect()).isTrue();
            file.pwrite(data.address(), MIB, 0);
            System.arraycopy(data.bytes(), 0, expected, 0, MIB);
            long from = data.address() + (offset & 1);
            file.pwrite(from, length - (offset & 1), offset);
            System.arraycopy(data.bytes(), offset & 1, expected, offset, length - (offset & 1));
            file.datasync();

            assertThat(file.pread(back.address() + 1, length, offset)).isEqualTo(length);
            assertThat(back.bytes(1, length)).isEqualTo(Arrays.copyOfRange(expected, offset, offset + length));
            assertThat(file.pread(back.address(), 2L * MIB, 0)).isEqualTo(expected.length);
            assertThat(back.bytes(0, expected.length)).isEqualTo(expected);
        }
        assertThat(Files.readAllBytes(path())).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 511, 512, 513, 4095, 4096, 4097, 1_000_000})
    void directReadsStopAtAnUnalignedEnd(int size) throws IOException {
        Files.write(path(), data.bytes(0, size));
        try (NativeFile file = NativeFile.open(path(), NativeFile.Option.DIRECT)) {
            assertThat(file.pread(back.address(), 2L * MIB, 0)).isEqualTo(size);
            assertThat(back.bytes(0, size)).isEqualTo(data.bytes(0, size));
            assertThat(file.pread(back.address() + 3, MIB, 0)).isEqualTo(size);
            assertThat(back.bytes(3, size)).isEqualTo(data.bytes(0, size));
            assertThat(file.pread(back.address(), 4096, size)).isZero();
        }
    }

    @Test
    void aClosedFileThrowsAndNeverTouchesAReusedDescriptor() throws IOException {
        NativeFile file = filled();
        int number = file.fd().acquire();
        file.fd().release();
        file.close();
        file.close();
        Path victim = directory.resolve("victim");
        Posix posix = Posix.get();
        int reused = posix.open(victim.toString(), Linux.O_CREAT | Linux.O_RDWR, 0600);
        try {
            assertThatThrownBy(() -> file.pwrite(data.address(), 10, 0))
                    .hasMessage("use of closed " + path() + ": EBADF");
            assertThatThrownBy(file::size).hasMessageEndingWith(": EBADF");
            assertThatThrownBy(file::datasync).hasMessageEndingWith(": EBADF");
            assertThatThrownBy(() -> file.truncate(0)).hasMessageEndingWith(": EBADF");
            assertThat(victim).isEmptyFile();
            assertThat(posix.fcntl(reused, Linux.F_GETFL, 0)).as("still open").isNotNegative();
            assertThat(number).isNotNegative();
        } finally {
            posix.close(reused);
        }
    }

    @Test
    void aFileThatCannotBeExaminedIsNotLeftOpen() {
        faults.on("statx", a -> {
            throw new PosixException("statx", "x", Errnos.EIO);
        });
        assertThatThrownBy(this::create).hasMessage("statx x: EIO");
        assertThat(faults.count("close")).isEqualTo(1);
    }
}
