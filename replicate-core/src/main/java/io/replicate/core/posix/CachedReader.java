package io.replicate.core.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads that do not wait for the disk: RWF_NOWAIT, or any read of a file system that lives in memory. */
final class CachedReader {
    private final Posix posix;
    private final Fd fd;
    private final Path path;
    private volatile Method method = Method.NOWAIT;

    private enum Method {
        NOWAIT,
        /** tmpfs has no RWF_NOWAIT, and does not need it. */
        IN_MEMORY,
        NONE
    }

    CachedReader(Posix posix, Fd fd, Path path) {
        this.posix = posix;
        this.fd = fd;
        this.path = path;
    }

    long read(long address, long length, long offset) throws PosixException {
        int number = fd.acquire();
        try {
            if (method == Method.NOWAIT) {
                long n = posix.preadv2(number, address, length, offset, Linux.RWF_NOWAIT);
                if (n == -Errnos.EAGAIN) {
                    return NativeFile.WOULD_BLOCK;
                }
                if (n >= 0 || !(n == -Errnos.EINVAL || Errnos.isUnsupported((int) -n))) {
                    return PosixException.check(n, "preadv2", fd.name(), offset, length);
                }
                method = isInMemory() ? Method.IN_MEMORY : Method.NONE;
            }
            if (method == Method.NONE) {
                return NativeFile.WOULD_BLOCK;
            }
            return PosixException.check(
                    posix.pread(number, address, length, offset), "pread", fd.name(), offset, length);
        } finally {
            fd.release();
        }
    }

    private boolean isInMemory() {
        try {
            String type = Files.getFileStore(path).type();
            return "tmpfs".equals(type) || "ramfs".equals(type);
        } catch (IOException | UnsupportedOperationException e) {
            return false; // renamed or removed since; then reads go to a worker, which is only slower
        }
    }
}
