package io.replicate.core.posix;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import org.jspecify.annotations.Nullable;

/** System calls through jnr-ffi. Small structs (offsets, iovec, pollfd, statx) live in one scratch area per thread. */
final class JnrPosix implements Posix {
    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int SCRATCH_BYTES = 256;

    private static final long FICLONE = 0x40049409L;
    private static final long FICLONERANGE = 0x4020940DL;
    private static final long BLKGETSIZE64 = 0x80081272L;
    private static final long BLKDISCARD = 0x1277L;
    private static final long BLKSSZGET = 0x1268L;
    private static final long BLKPBSZGET = 0x127BL;
    private static final long BLKZEROOUT = 0x127FL;

    private final LibC.Functions libc;
    private final Runtime runtime;
    private final long interrupted = -Errnos.EINTR;
    private final ThreadLocal<Scratch> scratch;
    private final AioCalls aio;

    /** Loads the C library, or throws what jnr-ffi throws (linkage and runtime errors) where it cannot. */
    JnrPosix() {
        this(LibraryLoader.create(LibC.Functions.class).load("c"));
    }

    JnrPosix(LibC.Functions libc) {
        this.libc = libc;
        runtime = Runtime.getSystemRuntime();
        if (runtime.addressSize() != 8) {
            throw new UnsupportedOperationException("the native layer needs a 64-bit machine");
        }
        aio = new AioCalls(libc, runtime, System.getProperty("os.arch", ""));
        scratch = ThreadLocal.withInitial(() -> new Scratch(Memory.allocateDirect(runtime, SCRATCH_BYTES, true)));
    }

    /** One thread's memory for arguments that are passed by reference. */
    private record Scratch(Pointer memory, Pointer second) {
        Scratch(Pointer memory) {
            this(memory, memory.slice(8, 8));
        }

        @Nullable
        Pointer first(long offset) {
            if (offset < 0) {
                return null;
            }
            memory.putLong(0, offset);
            return memory;
        }

        @Nullable
        Pointer second(long offset) {
            if (offset < 0) {
                return null;
            }
            second.putLong(0, offset);
            return second;
        }

        Pointer pair(long low, long high) {
            memory.putLong(0, low);
            memory.putLong(8, high);
            return memory;
        }
    }

    /** Must follow its call at once, on the same thread. */
    private long result(long returned) {
        return returned >= 0 ? returned : -(long) runtime.getLastError();
    }

    @Override
    public boolean isNative() {
        return true;
    }

    @Override
    public long addressOf(ByteBuffer direct) {
        if (!direct.isDirect()) {
            throw new IllegalArgumentException("only a direct buffer has an address");
        }
        return MemoryIO.getInstance().getDirectBufferAddress(direct);
    }

    @Override
    public void copyMemory(long from, long to, long length) {
        MemoryIO.getInstance().copyMemory(from, to, length);
    }

    @Override
    public int open(String path, int flags, int mode) {
        long r;
        do {
            r = result(libc.open(path, flags | Linux.O_CLOEXEC, mode));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int close(int fd) {
        long r = result(libc.close(fd));
        return r == interrupted
                ? 0
                : (int) r; // Linux has released the descriptor by then; a second try could hit another
    }

    @Override
    public FileStat statx(int fd) throws PosixException {
        Pointer buffer = scratch.get().memory();
        long r;
        try {
            r = result(libc.statx(fd, "", AT_EMPTY_PATH, StatxCodec.MASK, buffer));
        } catch (UnsatisfiedLinkError e) {
            r = -Errnos.ENOSYS;
        }
        if (r == -Errnos.ENOSYS || r == -Errnos.EPERM) { // C library before 2.28, or an old container's seccomp filter
            return StatxCodec.ofPath("/proc/self/fd/" + fd);
        }
        PosixException.check(r, "statx", "fd " + fd);
        return StatxCodec.decode(buffer);
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        long r;
        do {
            r = result(libc.pread(fd, address, length, offset));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long pwrite(int fd, long address, long length, long offset) {
        long r;
        do {
            r = result(libc.pwrite(fd, address, length, offset));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long read(int fd, long address, long length) {
        long r;
        do {
            r = result(libc.read(fd, address, length));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long write(int fd, long address, long length) {
        long r;
        do {
            r = result(libc.write(fd, address, length));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        long r;
        do {
            r = result(libc.send(fd, address, length, flags));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long preadv2(int fd, long address, long length, long offset, int flags) {
        Scratch area = scratch.get();
        long r;
        do {
            try {
                r = result(libc.preadv2(fd, area.pair(address, length), 1, offset, flags));
            } catch (UnsatisfiedLinkError e) {
                return -Errnos.ENOSYS;
            }
        } while (r == interrupted);
        return r;
    }

    @Override
    public long pwritev2(int fd, long address, long length, long offset, int flags) {
        Scratch area = scratch.get();
        long r;
        do {
            try {
                r = result(libc.pwritev2(fd, area.pair(address, length), 1, offset, flags));
            } catch (UnsatisfiedLinkError e) {
                return -Errnos.ENOSYS;
            }
        } while (r == interrupted);
        return r;
    }

    @Override
    public int ioSetup(int events, long contextAddress) {
        return aio.setup(events, contextAddress);
    }

    @Override
    public int ioDestroy(long context) {
        return aio.destroy(context);
    }

    @Override
    public int ioSubmit(long context, int count, long pointers) {
        return aio.submit(context, count, pointers);
    }

    @Override
    public int ioGetevents(long context, int least, int most, long events) {
        return aio.getevents(context, least, most, events);
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        return result(libc.lseek(fd, offset, whence));
    }

    @Override
    public int fallocate(int fd, int mode, long offset, long length) {
        long r;
        do {
            r = result(libc.fallocate(fd, mode, offset, length));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int ftruncate(int fd, long sizeBytes) {
        long r;
        do {
            r = result(libc.ftruncate(fd, sizeBytes));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int fsync(int fd) {
        long r;
        do {
            r = result(libc.fsync(fd));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int fdatasync(int fd) {
        long r;
        do {
            r = result(libc.fdatasync(fd));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int syncFileRange(int fd, long offset, long length, int flags) {
        long r;
        do {
            r = result(libc.sync_file_range(fd, offset, length, flags));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int fadvise(int fd, long offset, long length, int advice) {
        return -libc.posix_fadvise(fd, offset, length, advice); // the odd one out: it returns the errno
    }

    @Override
    public long copyFileRange(int sourceFd, long sourceOffset, int targetFd, long targetOffset, long length) {
        Scratch area = scratch.get();
        long r;
        do {
            try {
                r = result(libc.copy_file_range(
                        sourceFd, area.first(sourceOffset), targetFd, area.second(targetOffset), length, 0));
            } catch (UnsatisfiedLinkError e) {
                return -Errnos.ENOSYS;
            }
        } while (r == interrupted);
        return r;
    }

    @Override
    public int ficlone(int targetFd, int sourceFd) {
        long r;
        do {
            r = result(libc.ioctl(targetFd, FICLONE, (long) sourceFd));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int ficloneRange(int targetFd, long targetOffset, int sourceFd, long sourceOffset, long length) {
        Pointer range = scratch.get().pair(sourceFd, sourceOffset);
        range.putLong(16, length);
        range.putLong(24, targetOffset);
        long r;
        do {
            r = result(libc.ioctl(targetFd, FICLONERANGE, range));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public long blkGetSize64(int fd) {
        Pointer size = scratch.get().memory();
        long r = result(libc.ioctl(fd, BLKGETSIZE64, size));
        return r < 0 ? r : size.getLong(0);
    }

    @Override
    public int blkSszGet(int fd) {
        return intIoctl(fd, BLKSSZGET);
    }

    @Override
    public int blkPbszGet(int fd) {
        return intIoctl(fd, BLKPBSZGET);
    }

    private int intIoctl(int fd, long request) {
        Pointer value = scratch.get().memory();
        long r = result(libc.ioctl(fd, request, value));
        return r < 0 ? (int) r : value.getInt(0);
    }

    @Override
    public int blkZeroOut(int fd, long offset, long length) {
        return rangeIoctl(fd, BLKZEROOUT, offset, length);
    }

    @Override
    public int blkDiscard(int fd, long offset, long length) {
        return rangeIoctl(fd, BLKDISCARD, offset, length);
    }

    private int rangeIoctl(int fd, long request, long offset, long length) {
        Pointer range = scratch.get().pair(offset, length);
        long r;
        do {
            r = result(libc.ioctl(fd, request, range));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public long splice(int inFd, long inOffset, int outFd, long outOffset, long length, int flags) {
        Scratch area = inOffset < 0 && outOffset < 0 ? null : scratch.get();
        long r;
        do {
            Pointer in = area == null ? null : area.first(inOffset);
            Pointer out = area == null ? null : area.second(outOffset);
            r = result(libc.splice(inFd, in, outFd, out, length, flags));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long tee(int inPipe, int outPipe, long length, int flags) {
        long r;
        do {
            r = result(libc.tee(inPipe, outPipe, length, flags));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long vmsplice(int pipe, long address, long length, int flags) {
        Scratch area = scratch.get();
        long r;
        do {
            r = result(libc.vmsplice(pipe, area.pair(address, length), 1, flags));
        } while (r == interrupted);
        return r;
    }

    @Override
    public long sendfile(int outFd, int inFd, long inOffset, long length) {
        Scratch area = scratch.get();
        long r;
        do {
            r = result(libc.sendfile(outFd, inFd, area.first(inOffset), length));
        } while (r == interrupted);
        return r;
    }

    @Override
    public int pipe2(int[] fds, int flags) {
        Pointer pair = scratch.get().memory();
        long r = result(libc.pipe2(pair, flags | Linux.O_CLOEXEC));
        if (r == 0) {
            fds[0] = pair.getInt(0);
            fds[1] = pair.getInt(4);
        }
        return (int) r;
    }

    @Override
    public int dup2(int from, int to) {
        long r;
        do {
            r = result(libc.dup2(from, to));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return (int) result(libc.fcntl(fd, command, (long) argument));
    }

    @Override
    public int flock(int fd, int operation) {
        long r;
        do {
            r = result(libc.flock(fd, operation));
        } while (r == interrupted);
        return (int) r;
    }

    @Override
    public int poll(long pollfds, int count, int timeoutMs) {
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        int waitMs = timeoutMs;
        while (true) {
            long r = result(libc.poll(pollfds, (long) count, waitMs));
            if (r != interrupted) {
                return (int) r;
            }
            waitMs = remainingMs(timeoutMs, deadlineNs);
        }
    }

    @Override
    public int poll(int fd, int events, int timeoutMs) {
        Pointer pollfd = scratch.get().memory();
        pollfd.putInt(0, fd);
        pollfd.putShort(4, (short) events);
        pollfd.putShort(6, (short) 0);
        int ready = poll(pollfd.address(), 1, timeoutMs);
        return ready <= 0 ? ready : pollfd.getShort(6);
    }

    private static int remainingMs(int timeoutMs, long deadlineNs) {
        if (timeoutMs < 0) {
            return timeoutMs;
        }
        return (int) Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime()));
    }

    @Override
    public int shutdown(int socket, int how) {
        return (int) result(libc.shutdown(socket, how));
    }

    @Override
    public int rename(String from, String to, int flags) {
        try {
            return (int) result(libc.renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
        } catch (UnsatisfiedLinkError e) {
            return -Errnos.ENOSYS;
        }
    }

    @Override
    public long mmap(long length, int protection, int flags, int fd, long offset) {
        return result(libc.mmap(null, length, protection, flags, fd, offset));
    }

    @Override
    public int munmap(long address, long length) {
        return (int) result(libc.munmap(address, length));
    }

    @Override
    public int madvise(long address, long length, int advice) {
        return (int) result(libc.madvise(address, length, advice));
    }

    @Override
    public ByteBuffer bufferAt(long address, int capacity) {
        return MemoryIO.getInstance().newDirectByteBuffer(address, capacity);
    }
}
