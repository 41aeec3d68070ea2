package io.replicate.core.posix;

import java.io.IOException;

/**
 * A kernel pipe, for splice and tee.
 *
 * @param source the end to read from
 * @param sink   the end to write to
 */
public record Pipe(Fd source, Fd sink) implements AutoCloseable {
    /**
     * Makes a pipe.
     *
     * @param capacityBytes what it should hold; unprivileged users get at most {@code /proc/sys/fs/pipe-max-size}. If
     *     the kernel refuses, the pipe keeps its default of 64 KiB: see {@link #capacityBytes}.
     * @param nonBlocking   whether both ends answer EAGAIN rather than wait
     */
    public static Pipe open(Posix posix, int capacityBytes, boolean nonBlocking) throws PosixException {
        int[] fds = new int[2];
        PosixException.check(posix.pipe2(fds, nonBlocking ? Linux.O_NONBLOCK : 0), "pipe2", "pipe");
        posix.fcntl(fds[1], Linux.F_SETPIPE_SZ, capacityBytes);
        return new Pipe(Fd.adopt(posix, fds[0], "pipe (read end)"), Fd.adopt(posix, fds[1], "pipe (write end)"));
    }

    /** Returns how many bytes fit. */
    public int capacityBytes(Posix posix) throws PosixException {
        int fd = sink.acquire();
        try {
            return (int)
                    PosixException.check(posix.fcntl(fd, Linux.F_GETPIPE_SZ, 0), "fcntl F_GETPIPE_SZ", sink.name());
        } finally {
            sink.release();
        }
    }

    /** Closes both ends. */
    @Override
    public void close() throws IOException {
        try (sink) {
            source.close();
        }
    }
}
