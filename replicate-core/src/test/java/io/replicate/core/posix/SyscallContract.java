package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Runs every system call once, on a file system that a subclass chooses. */
abstract class SyscallContract {
    private static final int MIB = 1 << 20;
    private static final int PAGE = 4096;

    private final Posix posix = Posix.get();
    private final List<Integer> open = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();
    private final Memory data = Memory.random(MIB, 1);
    private final Memory back = new Memory(MIB);

    /** Where to make files. */
    abstract Path directory();

    abstract boolean sharesStorage();

    abstract boolean hasZeroRange();

    abstract boolean hasNowait();

    /** Whether a misaligned O_DIRECT transfer is refused. */
    abstract boolean insistsOnAlignment();

    @BeforeEach
    void requireNativeCalls() {
        assertThat(posix.isNative()).isTrue();
    }

    @AfterEach
    void closeAll() throws IOException {
        open.forEach(posix::close);
        open.clear();
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
        files.clear();
    }

    private Path newPath() {
        Path path = directory().resolve("file-" + files.size() + "-" + System.nanoTime());
        files.add(path);
        return path;
    }

    private int newFile(int moreFlags) {
        return tracked(posix.open(newPath().toString(), Linux.O_RDWR | Linux.O_CREAT | Linux.O_EXCL | moreFlags, 0600));
    }

    /** A file of one MiB that holds {@link #data}. */
    private int filledFile() {
        int fd = newFile(0);
        assertThat(posix.pwrite(fd, data.address(), MIB, 0)).isEqualTo(MIB);
        return fd;
    }

    private int tracked(int fd) {
        assertThat(fd).as("descriptor, or negative errno").isNotNegative();
        open.add(fd);
        return fd;
    }

    private int[] newPipe(int flags) {
        int[] fds = new int[2];
        assertThat(posix.pipe2(fds, flags)).isZero();
        return new int[] {tracked(fds[0]), tracked(fds[1])};
    }

    private byte[] content(int fd) {
        return content(fd, 0, MIB);
    }

    private byte[] content(int fd, long offset, int length) {
        int n = (int) posix.pread(fd, back.address(), length, offset);
        assertThat(n).isNotNegative();
        return back.bytes(0, n);
    }

    @Test
    void openSaysWhyItFailed() {
        assertThat(posix.open(directory().resolve("absent").toString(), Linux.O_RDONLY, 0))
                .isEqualTo(-Errnos.ENOENT);
        newFile(0);
        assertThat(posix.open(files.get(0).toString(), Linux.O_CREAT | Linux.O_EXCL, 0600))
                .isEqualTo(-Errnos.EEXIST);
    }

    @Test
    void closeReleasesTheDescriptor() {
        int fd = posix.open(directory().toString(), Linux.O_RDONLY, 0);
        assertThat(posix.close(fd)).isZero();
        assertThat(posix.close(fd)).isEqualTo(-Errnos.EBADF);
    }

    @Test
    void descriptorsAreNotInheritedByChildren() {
        int closeOnExec = 1;
        int getFd = 1;
        assertThat(posix.fcntl(newFile(0), getFd, 0)).isEqualTo(closeOnExec);
        assertThat(posix.fcntl(newPipe(0)[0], getFd, 0)).isEqualTo(closeOnExec);
    }

    @Test
    void statxTellsKindSizeAndIdentity() throws IOException {
        int fd = filledFile();
        FileStat stat = posix.statx(fd);
        assertThat(stat.isRegularFile()).isTrue();
        assertThat(stat.isBlockDevice()).isFalse();
        assertThat(stat.sizeBytes()).isEqualTo(MIB);
        assertThat(stat.mode() & 0777).isEqualTo(0600);
        assertThat(stat.inode()).isEqualTo(Files.getAttribute(files.get(0), "unix:ino"));
        FileStat byJava = StatxCodec.ofPath("/proc/self/fd/" + fd);
        assertThat(byJava.isSameStorage(stat)).isTrue();
        assertThat(byJava.mode()).isEqualTo(stat.mode());
        assertThat(posix.statx(newFile(0)).isSameStorage(stat)).isFalse();
        assertThat(posix.statx(newPipe(0)[0]).isFifo()).isTrue();
        assertThatThrownBy(() -> posix.statx(-1)).hasMessageEndingWith(": EBADF");
    }

    @Test
    void pwriteAndPreadGoByOffset() {
        int fd = newFile(0);
        assertThat(posix.pwrite(fd, data.address(), 1000, 5000)).isEqualTo(1000);
        assertThat(content(fd, 5000, 1000)).isEqualTo(data.bytes(0, 1000));
        assertThat(posix.pread(fd, back.address(), 10, 6000)).as("at the end").isZero();
    }

    @Test
    void directTransfersAreEqualAndAlignmentIsTheFileSystemsChoice() {
        int fd = newFile(Linux.O_DIRECT);
        assertThat(posix.pwrite(fd, data.address(), MIB, 0)).isEqualTo(MIB);
        assertThat(content(fd)).isEqualTo(data.bytes());
        long misaligned = posix.pwrite(fd, data.address() + 1, PAGE, 0);
        assertThat(misaligned).isEqualTo(insistsOnAlignment() ? -Errnos.EINVAL : PAGE);
    }

    @Test
    void readAndWriteUseThePosition() {
        int fd = newFile(0);
        assertThat(posix.write(fd, data.address(), 100)).isEqualTo(100);
        assertThat(posix.lseek(fd, 10, Linux.SEEK_SET)).isEqualTo(10);
        assertThat(posix.read(fd, back.address(), 100)).isEqualTo(90);
        assertThat(back.bytes(0, 90)).isEqualTo(data.bytes(10, 90));
    }

    @Test
    void preadv2ReadsCachedBytesOrIsNotSupported() {
        int fd = filledFile();
        long n = posix.preadv2(fd, back.address(), PAGE, PAGE, Linux.RWF_NOWAIT);
        if (hasNowait()) {
            assertThat(n).isEqualTo(PAGE);
            assertThat(back.bytes(0, PAGE)).isEqualTo(data.bytes(PAGE, PAGE));
        } else {
            assertThat(n).isEqualTo(-Errnos.EOPNOTSUPP);
        }
    }

    @Test
    void pwritev2WritesThrough() {
        int fd = newFile(0);
        assertThat(posix.pwritev2(fd, data.address(), PAGE, PAGE, Linux.RWF_DSYNC))
                .isEqualTo(PAGE);
        assertThat(content(fd, PAGE, PAGE)).isEqualTo(data.bytes(0, PAGE));
    }

    @Test
    void lseekFindsDataAndHoles() {
        int fd = newFile(0);
        posix.pwrite(fd, data.address(), 64 << 10, 256 << 10);
        posix.ftruncate(fd, MIB);
        assertThat(posix.lseek(fd, 0, Linux.SEEK_DATA)).isEqualTo(256 << 10);
        assertThat(posix.lseek(fd, 256 << 10, Linux.SEEK_HOLE)).isEqualTo(320 << 10);
        assertThat(posix.lseek(fd, 320 << 10, Linux.SEEK_DATA)).isEqualTo(-Errnos.ENXIO);
        assertThat(posix.lseek(fd, 0, Linux.SEEK_END)).isEqualTo(MIB);
    }

    @Test
    void fallocateReservesAndExtends() throws IOException {
        int fd = newFile(0);
        assertThat(posix.fallocate(fd, 0, 0, MIB)).isZero();
        assertThat(posix.statx(fd).sizeBytes()).isEqualTo(MIB);
        assertThat(posix.statx(fd).allocatedBytes()).isGreaterThanOrEqualTo(MIB);
        assertThat(posix.fallocate(fd, Linux.FALLOC_FL_KEEP_SIZE, MIB, MIB)).isZero();
        assertThat(posix.statx(fd).sizeBytes()).isEqualTo(MIB);
    }

    @Test
    void fallocatePunchesHoles() throws IOException {
        int fd = filledFile();
        posix.fsync(fd);
        long before = posix.statx(fd).allocatedBytes();
        assertThat(posix.fallocate(fd, Linux.FALLOC_FL_PUNCH_HOLE | Linux.FALLOC_FL_KEEP_SIZE, 128 << 10, 256 << 10))
                .isZero();
        posix.fsync(fd);
        assertThat(content(fd, 128 << 10, 256 << 10)).containsOnly(0);
        assertThat(content(fd, 0, 128 << 10)).isEqualTo(data.bytes(0, 128 << 10));
        assertThat(posix.lseek(fd, 0, Linux.SEEK_HOLE)).isEqualTo(128 << 10);
        assertThat(posix.statx(fd).allocatedBytes()).isLessThanOrEqualTo(before);
    }

    @Test
    void fallocateZeroesRangesOrIsNotSupported() {
        int fd = filledFile();
        int r = posix.fallocate(fd, Linux.FALLOC_FL_ZERO_RANGE, PAGE, 2 * PAGE);
        if (hasZeroRange()) {
            assertThat(r).isZero();
            assertThat(content(fd, PAGE, 2 * PAGE)).containsOnly(0);
        } else {
            assertThat(r).isEqualTo(-Errnos.EOPNOTSUPP);
            assertThat(content(fd)).isEqualTo(data.bytes());
        }
    }

    @Test
    void ftruncateCutsAndExtends() throws IOException {
        int fd = filledFile();
        assertThat(posix.ftruncate(fd, 100)).isZero();
        assertThat(posix.ftruncate(fd, 5L << 30)).isZero();
        assertThat(posix.statx(fd).sizeBytes()).isEqualTo(5L << 30);
    }

    @Test
    void syncsSucceed() {
        int fd = filledFile();
        assertThat(posix.fdatasync(fd)).isZero();
        assertThat(posix.fsync(fd)).isZero();
        assertThat(posix.fsync(tracked(posix.open(directory().toString(), Linux.O_RDONLY, 0))))
                .as("directory")
                .isZero();
    }

    @Test
    void syncFileRangeStartsWriteback() {
        int flags = Linux.SYNC_FILE_RANGE_WAIT_BEFORE | Linux.SYNC_FILE_RANGE_WRITE | Linux.SYNC_FILE_RANGE_WAIT_AFTER;
        assertThat(posix.syncFileRange(filledFile(), 0, MIB, flags)).isZero();
    }

    @Test
    void fadviseTakesEveryAdvice() {
        int fd = filledFile();
        for (int advice = Linux.POSIX_FADV_NORMAL; advice <= Linux.POSIX_FADV_DONTNEED; advice++) {
            assertThat(posix.fadvise(fd, 0, MIB, advice)).isZero();
        }
        assertThat(posix.fadvise(fd, 0, MIB, 99)).isEqualTo(-Errnos.EINVAL);
    }

    /** Flags are the sixth argument of copy_file_range: garbage there is EINVAL. */
    @Test
    void copyFileRangePassesZeroFlags() {
        int source = filledFile();
        int target = newFile(0);
        for (int round = 0; round < 200; round++) {
            assertThat(posix.copyFileRange(source, 2L * PAGE, target, PAGE, 64 << 10))
                    .isEqualTo(64 << 10);
        }
        assertThat(content(target, PAGE, 64 << 10)).isEqualTo(data.bytes(2 * PAGE, 64 << 10));
        assertThat(posix.lseek(source, PAGE, Linux.SEEK_SET)).isEqualTo(PAGE);
        assertThat(posix.copyFileRange(source, Posix.CURRENT, target, Posix.CURRENT, 100))
                .isEqualTo(100);
        assertThat(content(target, 0, 100)).isEqualTo(data.bytes(PAGE, 100));
    }

    @Test
    void ficloneSharesStorageOrIsNotSupported() {
        int source = filledFile();
        int target = newFile(0);
        int r = posix.ficlone(target, source);
        if (sharesStorage()) {
            assertThat(r).isZero();
            assertThat(content(target)).isEqualTo(data.bytes());
        } else {
            assertThat(r).isEqualTo(-Errnos.EOPNOTSUPP);
        }
    }

    @Test
    void ficloneRangeSharesStorageOrIsNotSupported() {
        int source = filledFile();
        int target = newFile(0);
        int r = posix.ficloneRange(target, 512 << 10, source, 64 << 10, 128 << 10);
        if (sharesStorage()) {
            assertThat(r).isZero();
            assertThat(content(target, 512 << 10, 128 << 10)).isEqualTo(data.bytes(64 << 10, 128 << 10));
        } else {
            assertThat(r).isEqualTo(-Errnos.EOPNOTSUPP);
        }
    }

    @Test
    void blockDeviceCallsRefuseAFile() {
        int fd = filledFile();
        assertThat(posix.blkGetSize64(fd)).isEqualTo(-Errnos.ENOTTY);
        assertThat(posix.blkSszGet(fd)).isEqualTo(-Errnos.ENOTTY);
        assertThat(posix.blkPbszGet(fd)).isEqualTo(-Errnos.ENOTTY);
        assertThat(posix.blkZeroOut(fd, 0, PAGE)).isEqualTo(-Errnos.ENOTTY);
        assertThat(posix.blkDiscard(fd, 0, PAGE)).isEqualTo(-Errnos.ENOTTY);
        assertThat(content(fd)).isEqualTo(data.bytes());
    }

    @Test
    void spliceMovesFromFileToFileThroughAPipe() {
        int source = filledFile();
        int target = newFile(0);
        int[] pipe = newPipe(0);
        assertThat(posix.splice(source, PAGE, pipe[1], Posix.CURRENT, 64 << 10, Linux.SPLICE_F_MOVE))
                .isEqualTo(64 << 10);
        assertThat(posix.splice(pipe[0], Posix.CURRENT, target, 3L * PAGE, 64 << 10, Linux.SPLICE_F_MOVE))
                .isEqualTo(64 << 10);
        assertThat(content(target, 3 * PAGE, 64 << 10)).isEqualTo(data.bytes(PAGE, 64 << 10));
        assertThat(posix.splice(source, Posix.CURRENT, pipe[1], Posix.CURRENT, 100, 0))
                .isEqualTo(100);
        assertThat(posix.lseek(source, 0, 1)).as("position").isEqualTo(100);
    }

    /** Flags are the sixth argument of splice: lost, the call waits for ever; garbage is EINVAL. */
    @Test
    void splicePassesItsFlags() {
        int[] empty = newPipe(0);
        int target = newFile(0);
        for (int round = 0; round < 200; round++) {
            assertThat(posix.splice(empty[0], Posix.CURRENT, target, 0, PAGE, Linux.SPLICE_F_NONBLOCK))
                    .isEqualTo(-Errnos.EAGAIN);
            assertThat(posix.splice(empty[0], Posix.CURRENT, target, Posix.CURRENT, PAGE, Linux.SPLICE_F_NONBLOCK))
                    .isEqualTo(-Errnos.EAGAIN);
        }
        assertThat(posix.splice(empty[0], Posix.CURRENT, target, 0, PAGE, 0x4000_0000))
                .isEqualTo(-Errnos.EINVAL);
    }

    @Test
    void teeDuplicatesWithoutConsuming() {
        int[] first = newPipe(0);
        int[] second = newPipe(0);
        posix.write(first[1], data.address(), 1000);
        assertThat(posix.tee(first[0], second[1], PAGE, 0)).isEqualTo(1000);
        assertThat(posix.read(second[0], back.address(), PAGE)).isEqualTo(1000);
        assertThat(back.bytes(0, 1000)).isEqualTo(data.bytes(0, 1000));
        assertThat(posix.read(first[0], back.address(), PAGE)).isEqualTo(1000);
        assertThat(posix.tee(first[0], second[1], PAGE, Linux.SPLICE_F_NONBLOCK))
                .isEqualTo(-Errnos.EAGAIN);
    }

    @Test
    void vmspliceMapsMemoryIntoAPipe() {
        int[] pipe = newPipe(0);
        assertThat(posix.vmsplice(pipe[1], data.address() + PAGE, 2L * PAGE, 0)).isEqualTo(2L * PAGE);
        assertThat(posix.read(pipe[0], back.address(), MIB)).isEqualTo(2L * PAGE);
        assertThat(back.bytes(0, 2 * PAGE)).isEqualTo(data.bytes(PAGE, 2 * PAGE));
    }

    @Test
    void sendfileSendsFromAnOffset() {
        int source = filledFile();
        int[] pipe = newPipe(0);
        assertThat(posix.sendfile(pipe[1], source, 10_000, 5000)).isEqualTo(5000);
        assertThat(posix.read(pipe[0], back.address(), MIB)).isEqualTo(5000);
        assertThat(back.bytes(0, 5000)).isEqualTo(data.bytes(10_000, 5000));
        assertThat(posix.lseek(source, 0, 1)).as("position").isZero();
    }

    @Test
    void pipesReportTheirCapacity() {
        int[] pipe = newPipe(Linux.O_NONBLOCK);
        assertThat(posix.fcntl(pipe[1], Linux.F_SETPIPE_SZ, 256 << 10)).isEqualTo(256 << 10);
        assertThat(posix.fcntl(pipe[0], Linux.F_GETPIPE_SZ, 0)).isEqualTo(256 << 10);
        assertThat(posix.read(pipe[0], back.address(), 1)).isEqualTo(-Errnos.EAGAIN);
        assertThat(posix.fcntl(pipe[0], Linux.F_GETFL, 0) & Linux.O_NONBLOCK).isEqualTo(Linux.O_NONBLOCK);
    }

    @Test
    void dup2GivesAnOpenFileAnotherName() {
        int[] pipe = newPipe(0);
        int[] other = newPipe(0);
        assertThat(posix.dup2(pipe[1], other[1])).isEqualTo(other[1]);
        assertThat(posix.write(other[1], data.address(), 100)).isEqualTo(100);
        assertThat(posix.read(pipe[0], back.address(), MIB)).isEqualTo(100);
        assertThat(posix.read(other[0], back.address(), 1))
                .as("its writer is gone")
                .isZero();
        assertThat(posix.dup2(-1, other[1])).isEqualTo(-Errnos.EBADF);
    }

    @Test
    void flockExcludesAnotherOpenFile() {
        int fd = newFile(0);
        int other = tracked(posix.open(files.get(0).toString(), Linux.O_RDONLY, 0));
        assertThat(posix.flock(fd, Linux.LOCK_EX | Linux.LOCK_NB)).isZero();
        assertThat(posix.flock(other, Linux.LOCK_EX | Linux.LOCK_NB)).isEqualTo(-Errnos.EAGAIN);
        assertThat(posix.flock(fd, Linux.LOCK_UN)).isZero();
        assertThat(posix.flock(other, Linux.LOCK_SH | Linux.LOCK_NB)).isZero();
    }

    @Test
    void pollTellsWhatIsReady() {
        int[] pipe = newPipe(0);
        assertThat(posix.poll(pipe[0], Linux.POLLIN, 0)).isZero();
        assertThat(posix.poll(pipe[1], Linux.POLLOUT, -1)).isEqualTo(Linux.POLLOUT);
        posix.write(pipe[1], data.address(), 1);
        ByteBuffer both = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
        both.putInt(0, pipe[0]).putShort(4, Linux.POLLIN);
        both.putInt(8, pipe[1]).putShort(12, Linux.POLLOUT);
        assertThat(posix.poll(posix.addressOf(both), 2, 1000)).isEqualTo(2);
        assertThat(both.getShort(6)).isEqualTo(Linux.POLLIN);
        assertThat(both.getShort(14)).isEqualTo(Linux.POLLOUT);
    }

    @Test
    void whatWasSentComesBeforeTheEndOfASocketsOutput() throws IOException {
        assertThat(posix.send(newPipe(0)[1], data.address(), 3, 0)).isNegative();
        assertThat(posix.shutdown(newPipe(0)[0], Linux.SHUT_WR)).isNegative();
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            try (SocketChannel client = SocketChannel.open(server.getLocalAddress());
                    SocketChannel accepted = server.accept()) {
                assertThat(posix.send(descriptor(client), data.address(), 3, Linux.MSG_MORE))
                        .isEqualTo(3);
                assertThat(posix.shutdown(descriptor(client), Linux.SHUT_WR)).isZero();
                final ByteBuffer received = ByteBuffer.allocate(4);
                while (accepted.read(received) > 0) {
                    continue;
                }
                assertThat(Arrays.copyOf(received.array(), received.position())).isEqualTo(data.bytes(0, 3));
            }
        }
    }

    /** Finds a socket's descriptor without reflection: its port leads to its inode, which names it in /proc. */
    private static int descriptor(SocketChannel socket) throws IOException {
        String local = hexPort(socket.getLocalAddress());
        String remote = hexPort(socket.getRemoteAddress());
        List<String> rows = new ArrayList<>(Files.readAllLines(Path.of("/proc/self/net/tcp")));
        if (Files.exists(Path.of("/proc/self/net/tcp6"))) {
            rows.addAll(Files.readAllLines(Path.of("/proc/self/net/tcp6")));
        }
        String inode = rows.stream()
                .map(row -> row.strip().split("\\s+", -1))
                .filter(columns -> columns[1].endsWith(local) && columns[2].endsWith(remote))
                .map(columns -> columns[9])
                .findFirst()
                .orElseThrow();
        try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
            return fds.filter(fd -> isLinkTo(fd, "socket:[" + inode + "]"))
                    .mapToInt(fd -> Integer.parseInt(fd.getFileName().toString()))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static String hexPort(SocketAddress address) {
        return String.format(Locale.ROOT, ":%04X", ((InetSocketAddress) address).getPort());
    }

    private static boolean isLinkTo(Path link, String target) {
        try {
            return Files.readSymbolicLink(link).toString().equals(target);
        } catch (IOException e) {
            return false; // closed meanwhile, by another test
        }
    }

    @Test
    void renameReplacesUnlessToldNotTo() {
        filledFile();
        newFile(0);
        String from = files.get(0).toString();
        String to = files.get(1).toString();
        assertThat(posix.rename(from, to, Linux.RENAME_NOREPLACE)).isEqualTo(-Errnos.EEXIST);
        assertThat(posix.rename(from, to, 0)).isZero();
        assertThat(files.get(0)).doesNotExist();
        assertThat(files.get(1)).hasSize(MIB);
        assertThat(posix.rename(to, from, Linux.RENAME_NOREPLACE)).isZero();
    }

    /** The offset is the sixth argument of mmap. */
    @Test
    void mmapMapsFromItsOffset() {
        int fd = filledFile();
        for (int round = 0; round < 200; round++) {
            long address = posix.mmap(2L * PAGE, Linux.PROT_READ, Linux.MAP_SHARED, fd, 3L * PAGE);
            assertThat(address).isPositive();
            posix.copyMemory(address, back.address(), 2L * PAGE);
            assertThat(posix.munmap(address, 2L * PAGE)).isZero();
            assertThat(back.bytes(0, 2 * PAGE)).isEqualTo(data.bytes(3 * PAGE, 2 * PAGE));
        }
        assertThat(posix.mmap(PAGE, Linux.PROT_READ, Linux.MAP_SHARED, fd, 1)).isEqualTo(-Errnos.EINVAL);
    }
}
