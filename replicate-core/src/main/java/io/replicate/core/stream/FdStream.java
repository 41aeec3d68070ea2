package io.replicate.core.stream;

import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import java.io.IOException;

/**
 * Reads and writes a descriptor in order. While it waits it looks now and then whether another thread has closed it;
 * how long a producer or consumer may take is for the user to say, who started it.
 */
final class FdStream implements AutoCloseable {
    private static final int LOOK_MS = 250;

    /** Enough for a pipe of the usual size, and little enough for a consumer to be fed evenly. */
    private static final int MAX_WRITE_BYTES = 1 << 20;

    private final Posix posix = Posix.get();
    private final Fd fd;

    FdStream(final Fd fd) {
        this.fd = fd;
    }

    /** Reads until {@code length} bytes have come or the stream ends, and returns how many came. */
    long read(final long address, final long length) throws PosixException {
        long done = 0;
        while (done < length) {
            final long n = step(Linux.POLLIN, "read", address + done, length - done);
            if (n == 0) {
                break;
            }
            done += n;
        }
        return done;
    }

    /** Writes all bytes. */
    void write(final long address, final long length) throws PosixException {
        long done = 0;
        while (done < length) {
            done += step(Linux.POLLOUT, "write", address + done, Math.min(length - done, MAX_WRITE_BYTES));
        }
    }

    private long step(final short event, final String call, final long address, final long length)
            throws PosixException {
        while (true) {
            final int number = fd.acquire(); // throws once the stream is closed
            try {
                if (posix.poll(number, event, LOOK_MS) == 0) {
                    continue;
                }
                final long n = event == Linux.POLLIN
                        ? posix.read(number, address, length)
                        : posix.write(number, address, length);
                if (n != -Errnos.EAGAIN) {
                    return PosixException.check(n, call, fd.name());
                }
            } finally {
                fd.release();
            }
        }
    }

    /** Makes what was written durable where the stream ends in a file; a pipe or terminal keeps nothing. */
    void sync() throws PosixException {
        final int number = fd.acquire();
        try {
            final int r = posix.fdatasync(number);
            if (r != -Errnos.EINVAL && r != -Errnos.ENOSYS) {
                PosixException.check(r, "fdatasync", fd.name());
            }
        } finally {
            fd.release();
        }
    }

    @Override
    public void close() throws IOException {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.name();
    }
}
