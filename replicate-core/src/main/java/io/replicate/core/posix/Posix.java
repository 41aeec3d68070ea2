package io.replicate.core.posix;

import java.nio.ByteBuffer;

/**
 * System calls, one method each, on raw descriptors and memory addresses. Methods return what the call returns, or the
 * <b>negative errno</b> (the kernel's own convention), so that nothing is allocated and EAGAIN costs no exception;
 * {@link PosixException#check} turns a failure into an exception. A call that does not exist here answers
 * {@code -ENOSYS}: callers then take another way.
 *
 * <p>Interrupted calls are restarted. Nothing here loops over short transfers, guards a descriptor against use after
 * close or an address against being wrong: that is what {@link NativeFile}, {@link Fd} and {@link Pipe} are for. All
 * methods may be called by any thread.
 *
 * <p>Sources: the man pages of section 2, and linux/fs.h for the ioctls.
 */
public interface Posix {
    /** An offset argument that means: use and advance the descriptor's own position (the only choice for a pipe). */
    long CURRENT = -1;

    /** Returns the implementation for this machine: native where its library loads, pure Java otherwise. */
    static Posix get() {
        return PosixHolder.INSTANCE;
    }

    /** Returns whether these are real system calls rather than the pure-Java subset. */
    boolean isNative();

    /** Returns the address of the first byte (index 0) of a direct buffer; keep the buffer reachable while using it. */
    long addressOf(ByteBuffer direct);

    /** Copies bytes of memory that do not overlap. */
    void copyMemory(long from, long to, long length);

    /**
     * Opens a file, and returns its descriptor.
     *
     * @param flags O_ constants of {@link Linux}; O_CLOEXEC is always added
     * @param mode  permissions of a file that is created, for example 0600 octal
     */
    int open(String path, int flags, int mode);

    /** Closes once. The descriptor is gone even if an error is returned. */
    int close(int fd);

    FileStat statx(int fd) throws PosixException;

    long pread(int fd, long address, long length, long offset);

    long pwrite(int fd, long address, long length, long offset);

    long read(int fd, long address, long length);

    long write(int fd, long address, long length);

    /** Writes to a socket as {@link #write}, with MSG_ flags of {@link Linux}. */
    long send(int fd, long address, long length, int flags);

    /** Reads as {@link #pread} with RWF_ flags of {@link Linux}: {@code preadv2} with one buffer. */
    long preadv2(int fd, long address, long length, long offset, int flags);

    /** Writes as {@link #pwrite} with RWF_ flags of {@link Linux}: {@code pwritev2} with one buffer. */
    long pwritev2(int fd, long address, long length, long offset, int flags);

    /**
     * Makes a context of AIO.
     *
     * @param events         how many transfers it may have under way
     * @param contextAddress of 8 bytes that are 0; they receive the context
     */
    int ioSetup(int events, long contextAddress);

    /** Ends a context, when what was submitted to it has ended. */
    int ioDestroy(long context);

    /**
     * Begins transfers. Those that do not go around the page cache have ended on return.
     *
     * @param pointers the address of {@code count} pointers to structs iocb
     * @return how many were begun
     */
    int ioSubmit(long context, int count, long pointers);

    /**
     * Waits for the end of transfers, and returns of how many the result is in {@code events}.
     *
     * @param events the address of memory for {@code most} structs io_event of 32 bytes
     */
    int ioGetevents(long context, int least, int most, long events);

    /** Moves or looks up a position, by one of the SEEK_ constants of {@link Linux}. */
    long lseek(int fd, long offset, int whence);

    /** Changes the storage of a range, by FALLOC_FL_ constants of {@link Linux}; mode 0 allocates and extends. */
    int fallocate(int fd, int mode, long offset, long length);

    int ftruncate(int fd, long sizeBytes);

    int fsync(int fd);

    int fdatasync(int fd);

    /** Starts or awaits write-back of a range. Does not make anything durable. */
    int syncFileRange(int fd, long offset, long length, int flags);

    int fadvise(int fd, long offset, long length, int advice);

    /** Copies between files inside the kernel. Offsets are absolute or {@link #CURRENT}. */
    long copyFileRange(int sourceFd, long sourceOffset, int targetFd, long targetOffset, long length);

    /** FICLONE: makes the whole target share the source's storage. */
    int ficlone(int targetFd, int sourceFd);

    /** FICLONERANGE: as {@link #ficlone} for a range aligned to the file system's block; length 0 is up to the end. */
    int ficloneRange(int targetFd, long targetOffset, int sourceFd, long sourceOffset, long length);

    /** BLKGETSIZE64: the size of a block device in bytes. */
    long blkGetSize64(int fd);

    /** BLKSSZGET: the logical block size in bytes. */
    int blkSszGet(int fd);

    /** BLKPBSZGET: the physical block size in bytes. */
    int blkPbszGet(int fd);

    /** BLKZEROOUT. Offset and length are multiples of the logical block size. */
    int blkZeroOut(int fd, long offset, long length);

    /** BLKDISCARD. What a discarded range reads as is undefined. */
    int blkDiscard(int fd, long offset, long length);

    /** Moves bytes where at least one side is a pipe. Offsets are absolute, or {@link #CURRENT}. */
    long splice(int inFd, long inOffset, int outFd, long outOffset, long length, int flags);

    /** Duplicates up to {@code length} bytes from one pipe to another without consuming them. */
    long tee(int inPipe, int outPipe, long length, int flags);

    /** Maps user memory into a pipe; the memory must not change until the reader has taken it. */
    long vmsplice(int pipe, long address, long length, int flags);

    /** Sends a file to a socket, file or pipe. The offset is absolute, or {@link #CURRENT}. */
    long sendfile(int outFd, int inFd, long inOffset, long length);

    /** Makes a pipe: {@code fds} receives the read end and the write end. O_CLOEXEC is always added to the flags. */
    int pipe2(int[] fds, int flags);

    /** Makes {@code to} another name of {@code from}'s open file, as one step; what {@code to} was is closed. */
    int dup2(int from, int to);

    int fcntl(int fd, int command, int argument);

    /** Locks by LOCK_ constants of {@link Linux}. EAGAIN: another open file holds the lock. */
    int flock(int fd, int operation);

    /**
     * Waits for several descriptors, and returns how many are ready.
     *
     * @param pollfds   the address of {@code count} structs of 8 bytes: int fd, short events, short revents
     * @param timeoutMs 0 does not wait, -1 waits for ever
     */
    int poll(long pollfds, int count, int timeoutMs);

    /** Waits for one descriptor. Returns the POLL constants of {@link Linux} that are ready, or 0 after the timeout. */
    int poll(int fd, int events, int timeoutMs);

    /** Ends one or both directions of a socket, by a SHUT_ constant of {@link Linux}. */
    int shutdown(int socket, int how);

    /** Renames within one file system. Flags are 0 or RENAME_NOREPLACE ({@code renameat2}). */
    int rename(String from, String to, int flags);

    /** Maps a part of a file, and returns the address, which the kernel chooses. */
    long mmap(long length, int protection, int flags, int fd, long offset);

    int munmap(long address, long length);

    /** Tells the kernel what is to become of memory, by a MADV_ constant of {@link Linux}. */
    int madvise(long address, long length, int advice);

    /** Returns a direct buffer over memory that somebody else gives back, and not before the buffer and its views are gone. */
    ByteBuffer bufferAt(long address, int capacity);
}
