package io.replicate.core.posix;

import java.nio.ByteBuffer;

/** The calls that pure Java does not offer: each answers {@code -ENOSYS}. */
abstract class UnsupportedPosix implements Posix {
    private static final int MISSING = -Errnos.ENOSYS;

    @Override
    public final boolean isNative() {
        return false;
    }

    @Override
    public long preadv2(int fd, long address, long length, long offset, int flags) {
        return MISSING;
    }

    @Override
    public long pwritev2(int fd, long address, long length, long offset, int flags) {
        return MISSING;
    }

    @Override
    public int ioSetup(int events, long contextAddress) {
        return MISSING;
    }

    @Override
    public int ioDestroy(long context) {
        return MISSING;
    }

    @Override
    public int ioSubmit(long context, int count, long pointers) {
        return MISSING;
    }

    @Override
    public int ioGetevents(long context, int least, int most, long events) {
        return MISSING;
    }

    @Override
    public int fallocate(int fd, int mode, long offset, long length) {
        return MISSING;
    }

    @Override
    public int syncFileRange(int fd, long offset, long length, int flags) {
        return MISSING;
    }

    @Override
    public int fadvise(int fd, long offset, long length, int advice) {
        return MISSING;
    }

    @Override
    public long copyFileRange(int sourceFd, long sourceOffset, int targetFd, long targetOffset, long length) {
        return MISSING;
    }

    @Override
    public int ficlone(int targetFd, int sourceFd) {
        return MISSING;
    }

    @Override
    public int ficloneRange(int targetFd, long targetOffset, int sourceFd, long sourceOffset, long length) {
        return MISSING;
    }

    @Override
    public long blkGetSize64(int fd) {
        return MISSING;
    }

    @Override
    public int blkSszGet(int fd) {
        return MISSING;
    }

    @Override
    public int blkPbszGet(int fd) {
        return MISSING;
    }

    @Override
    public int blkZeroOut(int fd, long offset, long length) {
        return MISSING;
    }

    @Override
    public int blkDiscard(int fd, long offset, long length) {
        return MISSING;
    }

    @Override
    public long splice(int inFd, long inOffset, int outFd, long outOffset, long length, int flags) {
        return MISSING;
    }

    @Override
    public long tee(int inPipe, int outPipe, long length, int flags) {
        return MISSING;
    }

    @Override
    public long vmsplice(int pipe, long address, long length, int flags) {
        return MISSING;
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        return MISSING;
    }

    @Override
    public long sendfile(int outFd, int inFd, long inOffset, long length) {
        return MISSING;
    }

    @Override
    public int pipe2(int[] fds, int flags) {
        return MISSING;
    }

    @Override
    public int dup2(int from, int to) {
        return MISSING;
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return MISSING;
    }

    @Override
    public int flock(int fd, int operation) {
        return MISSING;
    }

    @Override
    public int poll(long pollfds, int count, int timeoutMs) {
        return MISSING;
    }

    @Override
    public int poll(int fd, int events, int timeoutMs) {
        return MISSING;
    }

    @Override
    public int shutdown(int socket, int how) {
        return MISSING;
    }

    @Override
    public long mmap(long length, int protection, int flags, int fd, long offset) {
        return MISSING;
    }

    @Override
    public int munmap(long address, long length) {
        return MISSING;
    }

    @Override
    public int madvise(long address, long length, int advice) {
        return MISSING;
    }

    @Override
    public ByteBuffer bufferAt(long address, int capacity) {
        throw new UnsupportedOperationException("no memory of the kernel without its calls");
    }
}
