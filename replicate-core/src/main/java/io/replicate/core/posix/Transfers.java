package io.replicate.core.posix;

/** Finishes transfers that the kernel cuts short. Stateless; allocates nothing unless it throws. */
public final class Transfers {
    private Transfers() {}

    /**
     * Reads until {@code length} bytes have arrived or the file ends.
     *
     * @return the number of bytes read; less than {@code length} only at the end of the file
     */
    public static long pread(Posix posix, Fd file, long address, long length, long offset) throws PosixException {
        int fd = file.acquire();
        try {
            long done = 0;
            while (done < length) {
                long n = posix.pread(fd, address + done, length - done, offset + done);
                PosixException.check(n, "pread", file.name(), offset + done, length - done);
                if (n == 0) {
                    break;
                }
                done += n;
            }
            return done;
        } finally {
            file.release();
        }
    }

    /** Writes all {@code length} bytes. */
    public static void pwrite(Posix posix, Fd file, long address, long length, long offset) throws PosixException {
        int fd = file.acquire();
        try {
            long done = 0;
            while (done < length) {
                long n = posix.pwrite(fd, address + done, length - done, offset + done);
                done += PosixException.check(progress(n), "pwrite", file.name(), offset + done, length - done);
            }
        } finally {
            file.release();
        }
    }

    /** Reads from a pipe or socket that blocks, as {@link #pread}. */
    public static long read(Posix posix, Fd file, long address, long length) throws PosixException {
        int fd = file.acquire();
        try {
            long done = 0;
            while (done < length) {
                long n = posix.read(fd, address + done, length - done);
                PosixException.check(n, "read", file.name(), -1, length - done);
                if (n == 0) {
                    break;
                }
                done += n;
            }
            return done;
        } finally {
            file.release();
        }
    }

    /** Writes all {@code length} bytes to a pipe or socket that blocks. */
    public static void write(Posix posix, Fd file, long address, long length) throws PosixException {
        int fd = file.acquire();
        try {
            long done = 0;
            while (done < length) {
                long n = posix.write(fd, address + done, length - done);
                done += PosixException.check(progress(n), "write", file.name(), -1, length - done);
            }
        } finally {
            file.release();
        }
    }

    /** A write of nothing would loop for ever; no file system does it, but a broken driver may. */
    private static long progress(long written) {
        return written == 0 ? -Errnos.EIO : written;
    }
}
