package io.replicate.core.posix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An open regular file or block device. Transfers are positional, go by memory address, finish what the kernel cuts
 * short and allocate nothing. Every failure is a {@link PosixException} with the place.
 *
 * <p>A file opened with {@link Option#DIRECT} bypasses the page cache for whatever part of a transfer is aligned to
 * {@link #directAlignment}; the rest (usually the tail of an image) goes a slower way by itself.
 *
 * <p>Thread-safe. After {@link #close} every method throws (EBADF); it never touches a descriptor number that the
 * kernel has given to another file.
 */
public final class NativeFile implements AutoCloseable {
    /** The answer of {@link #readCached} when the bytes are not in memory. */
    public static final long WOULD_BLOCK = -1;

    private static final int PERMISSIONS = 0666; // less the umask
    /** So many runs may be freed in a row while the end of each is looked for. */
    private static final int MOST_FREED = 100;

    /** How to open. Without READ or WRITE, READ is meant. */
    public enum Option {
        READ,
        WRITE,
        /** Makes the file if there is none. */
        CREATE,
        /** With CREATE: fails if the file exists. On a block device: fails with EBUSY while it is mounted or in use. */
        EXCLUSIVE,
        /** Cuts an existing file to nothing. */
        TRUNCATE,
        /** O_DIRECT. Fails with EINVAL where the file system has no such thing. */
        DIRECT
    }

    private final Posix posix;
    private final Fd fd;
    private final Path path;
    private final boolean blockDevice;
    private final int directAlignment;
    private final RangeZeroer zeroer;
    private final CachedReader cachedReader;
    private final PieceTransfers pieceTransfers;
    private final @Nullable UnalignedAccess unaligned;
    private volatile @Nullable PosixException syncFailure;
    private volatile boolean locked;

    private NativeFile(Posix posix, Fd fd, Path path, Set<Option> options) throws PosixException {
        this.posix = posix;
        this.fd = fd;
        this.path = path;
        FileStat stat = statOf(posix, fd);
        this.blockDevice = stat.isBlockDevice();
        this.directAlignment = Alignment.of(posix, fd, stat);
        this.zeroer = new RangeZeroer(this);
        this.pieceTransfers = new PieceTransfers(this, posix);
        this.cachedReader = new CachedReader(posix, fd, path);
        this.unaligned = options.contains(Option.DIRECT) ? new UnalignedAccess(posix, fd, directAlignment) : null;
    }

    public static NativeFile open(Path path, Option... options) throws PosixException {
        Set<Option> set = EnumSet.noneOf(Option.class);
        set.addAll(Arrays.asList(options));
        return open(Posix.get(), path, set);
    }

    public static NativeFile open(Posix posix, Path path, Set<Option> options) throws PosixException {
        Fd fd = Fd.open(posix, path.toString(), flags(options), PERMISSIONS);
        try {
            return new NativeFile(posix, fd, path, options);
        } catch (PosixException | RuntimeException e) {
            fd.closeAfter(e);
            throw e;
        }
    }

    private static int flags(Set<Option> options) {
        boolean write = options.contains(Option.WRITE);
        boolean read = options.contains(Option.READ) || !write;
        int flags = read ? (write ? Linux.O_RDWR : Linux.O_RDONLY) : Linux.O_WRONLY;
        flags |= options.contains(Option.CREATE) ? Linux.O_CREAT : 0;
        flags |= options.contains(Option.EXCLUSIVE) ? Linux.O_EXCL : 0;
        flags |= options.contains(Option.TRUNCATE) ? Linux.O_TRUNC : 0;
        flags |= options.contains(Option.DIRECT) ? Linux.O_DIRECT : 0;
        return flags;
    }

    /** Returns the path it was opened with; the file may have been renamed since. */
    public Path path() {
        return path;
    }

    /** Returns the descriptor, for raw calls such as splice. */
    public Fd fd() {
        return fd;
    }

    Posix posix() {
        return posix;
    }

    public boolean isBlockDevice() {
        return blockDevice;
    }

    public boolean isDirect() {
        return unaligned != null;
    }

    /** Returns the alignment in bytes of address, offset and length that O_DIRECT asks for; a power of two. */
    public int directAlignment() {
        return directAlignment;
    }

    public FileStat stat() throws PosixException {
        return statOf(posix, fd);
    }

    private static FileStat statOf(Posix posix, Fd fd) throws PosixException {
        int number = fd.acquire();
        try {
            return posix.statx(number);
        } finally {
            fd.release();
        }
    }

    /** Returns the size in bytes of the file or the device. */
    public long size() throws PosixException {
        int number = fd.acquire();
        try {
            return PosixException.check(posix.lseek(number, 0, Linux.SEEK_END), "lseek", name());
        } finally {
            fd.release();
        }
    }

    /**
     * Reads to memory.
     *
     * @return the number of bytes read; less than {@code length} only at the end of the file
     */
    public long pread(long address, long length, long offset) throws PosixException {
        UnalignedAccess slow = unaligned;
        return slow == null ? Transfers.pread(posix, fd, address, length, offset) : slow.pread(address, length, offset);
    }

    /** Writes all of it from memory. */
    public void pwrite(long address, long length, long offset) throws PosixException {
        UnalignedAccess slow = unaligned;
        if (slow == null) {
            Transfers.pwrite(posix, fd, address, length, offset);
        } else {
            slow.pwrite(address, length, offset);
        }
    }

    /** Reads into the remaining bytes of a direct buffer and moves its position. Returns as {@link #pread}. */
    public int read(ByteBuffer direct, long offset) throws PosixException {
        int position = direct.position();
        int n = (int) pread(posix.addressOf(direct) + position, direct.remaining(), offset);
        direct.position(position + n); // also keeps the buffer reachable during the call
        return n;
    }

    /** Writes the remaining bytes of a direct buffer and moves its position. */
    public void write(ByteBuffer direct, long offset) throws PosixException {
        pwrite(posix.addressOf(direct) + direct.position(), direct.remaining(), offset);
        direct.position(direct.limit());
    }

    /**
     * Reads every piece into its part of a direct buffer, whose position and limit do not matter and stay.
     *
     * @return the offset of the first byte found to be behind the end of the file, or -1 when all are read
     */
    public long readAll(Pieces pieces, ByteBuffer direct) throws PosixException {
        return pieceTransfers.read(pieces, direct);
    }

    /** Returns whether pieces go to the kernel together here, or one by one. */
    public boolean transfersTogether() {
        return pieceTransfers.together();
    }

    /** Writes every piece from its part of a direct buffer, whose position and limit do not matter and stay. */
    public void writeAll(Pieces pieces, ByteBuffer direct) throws PosixException {
        pieceTransfers.write(pieces, direct);
    }

    /**
     * Reads only what can be had without waiting for the disk, for use on an event loop.
     *
     * @return the number of bytes read, which may be any part of {@code length}; 0 at the end of the file;
     *     {@link #WOULD_BLOCK} if none are in memory or if the file system cannot tell
     */
    public long readCached(long address, long length, long offset) throws PosixException {
        return cachedReader.read(address, length, offset);
    }

    /**
     * Returns the first run of data at or after {@code from}, or null if only a hole follows. Everything is data where
     * the file system or device cannot tell.
     */
    public @Nullable FileRange nextData(long from) throws PosixException {
        return nextData(from, Long.MAX_VALUE);
    }

    /**
     * As {@link #nextData(long)}, but null if no data begins before {@code before}: the end of a later run is not looked
     * for, which a file system in memory finds page by page.
     */
    public @Nullable FileRange nextData(long from, long before) throws PosixException {
        int number = fd.acquire();
        try {
            FileRange found = dataAtOrAfter(number, from, before);
            for (int i = 0; found != null && found.length() == 0; i++) {
                long at = found.offset();
                // It was freed while its end was looked for; if that never ends, the file system cannot tell.
                found = i < MOST_FREED ? dataAtOrAfter(number, at, before) : allFrom(at);
            }
            return found;
        } finally {
            fd.release();
        }
    }

    private @Nullable FileRange dataAtOrAfter(int number, long from, long before) throws PosixException {
        long data = posix.lseek(number, from, Linux.SEEK_DATA);
        if (data == -Errnos.ENXIO) {
            return null;
        }
        if (data == -Errnos.EINVAL || (data < 0 && Errnos.isUnsupported((int) -data))) {
            return allFrom(from);
        }
        PosixException.check(data, "lseek SEEK_DATA", name(), from, -1);
        if (data >= before) {
            return null;
        }
        long hole = posix.lseek(number, data, Linux.SEEK_HOLE);
        if (hole == -Errnos.ENXIO) {
            return null; // truncated since
        }
        PosixException.check(hole, "lseek SEEK_HOLE", name(), data, -1);
        return new FileRange(data, hole - data);
    }

    private @Nullable FileRange allFrom(long offset) throws PosixException {
        long size = size();
        return offset < size ? new FileRange(offset, size - offset) : null;
    }

    /**
     * Makes a range read as zeros, by the cheapest means that work here: PUNCH_HOLE (unless its storage is kept), then
     * ZERO_RANGE, then on a block device BLKZEROOUT, then writing.
     * A file that ends inside the range is extended, as by a write.
     */
    public void zero(long offset, long length, ZeroMode mode) throws PosixException {
        zeroer.zero(offset, length, mode);
    }

    /** As {@link #zero}, unless it would take as long as writing: then it does nothing and returns false. */
    public boolean zeroFast(long offset, long length, ZeroMode mode) throws PosixException {
        return zeroer.zeroFast(offset, length, mode);
    }

    /**
     * Frees the storage of a range, which then reads as zeros; the size stays. Returns false, having changed nothing,
     * where holes are not possible. On a block device the range must be aligned to its logical block.
     */
    public boolean punch(long offset, long length) throws PosixException {
        return zeroer.punch(offset, length);
    }

    /**
     * Tells the storage that a range is no longer needed; what it reads as is then undefined. Only whole blocks within
     * the range are discarded. Returns false where that is not possible.
     */
    public boolean discard(long offset, long length) throws PosixException {
        return zeroer.discard(offset, length);
    }

    /**
     * Reserves storage for a range, extending the file, so that writes there cannot fail with ENOSPC.
     *
     * @return false where the file system (or a device, which has its storage anyway) does not offer it
     */
    public boolean preallocate(long offset, long length) throws PosixException {
        if (length == 0) {
            return true;
        }
        int number = fd.acquire();
        try {
            int r = posix.fallocate(number, 0, offset, length);
            if (r < 0 && Errnos.isUnsupported(-r)) {
                return false;
            }
            PosixException.check(r, "fallocate", name(), offset, length);
            return true;
        } finally {
            fd.release();
        }
    }

    /** Cuts or extends the file to this size. */
    public void truncate(long sizeBytes) throws PosixException {
        int number = fd.acquire();
        try {
            PosixException.check(posix.ftruncate(number, sizeBytes), "ftruncate", name(), -1, sizeBytes);
        } finally {
            fd.release();
        }
    }

    /**
     * When this returns, all data written before is durable, with the metadata needed to read it (fdatasync). A
     * failure is final: the kernel may have dropped the data, so every later sync of this file fails as well.
     */
    public void datasync() throws PosixException {
        int number = fd.acquire();
        try {
            checkSync(posix.fdatasync(number), "fdatasync");
        } finally {
            fd.release();
        }
    }

    /** As {@link #datasync}, with all metadata (fsync). */
    public void sync() throws PosixException {
        int number = fd.acquire();
        try {
            checkSync(posix.fsync(number), "fsync");
        } finally {
            fd.release();
        }
    }

    private void checkSync(int result, String call) throws PosixException {
        PosixException earlier = syncFailure;
        if (earlier != null) {
            throw new PosixException(call + " after a failed sync of", name(), earlier.errno());
        }
        if (result < 0) {
            PosixException failure = new PosixException(call, name(), -result);
            syncFailure = failure;
            throw failure;
        }
    }

    /** Starts writing a range back, without waiting; so that a later {@link #datasync} has less to do. A hint. */
    public void startWriteback(long offset, long length) throws PosixException {
        int number = fd.acquire();
        try {
            int r = posix.syncFileRange(number, offset, length, Linux.SYNC_FILE_RANGE_WRITE);
            if (r < 0 && !Errnos.isUnsupported(-r)) {
                throw new PosixException("sync_file_range", name(), offset, length, -r);
            }
        } finally {
            fd.release();
        }
    }

    /** Tells the page cache what comes next, by a POSIX_FADV constant of {@link Linux}. A hint: failures are ignored. */
    public void advise(long offset, long length, int advice) throws PosixException {
        int number = fd.acquire();
        try {
            posix.fadvise(number, offset, length, advice);
        } finally {
            fd.release();
        }
    }

    /**
     * Takes the exclusive advisory lock (flock), which lasts until this is closed; udev respects it on devices.
     *
     * @return false if another open file holds it
     */
    public boolean tryLock() throws PosixException {
        int number = fd.acquire();
        try {
            int r = posix.flock(number, Linux.LOCK_EX | Linux.LOCK_NB);
            if (r == -Errnos.EAGAIN) {
                return false;
            }
            PosixException.check(r, "flock", name());
            locked = true;
            return true;
        } finally {
            fd.release();
        }
    }

    /** A child process that is being started holds a copy of the descriptor, and with it the lock, for a moment more. */
    private void unlock() throws PosixException {
        if (!locked || !fd.isOpen()) {
            return;
        }
        int number = fd.acquire();
        try {
            PosixException.check(posix.flock(number, Linux.LOCK_UN), "flock", name());
        } finally {
            fd.release();
        }
    }

    private String name() {
        return fd.name();
    }

    /** Closes, once; further calls do nothing. Makes nothing durable. */
    @Override
    public void close() throws IOException {
        UnalignedAccess slow = unaligned;
        try (fd) {
            unlock();
            if (slow != null) {
                slow.close();
            }
        }
    }

    @Override
    public String toString() {
        return name();
    }
}
