package io.replicate.core.stream;

import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A stream that is written once, from its beginning, in order and by one thread. Zeros and holes are written as zeros.
 * There is nothing to resume and nothing to read back.
 */
public final class StreamSink implements Sink<Extent> {
    private static final int STDOUT = 1;
    private static final int FILE_TYPE = 0xF000;
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int TTY = 4;
    private static final int CONSOLE = 5;
    private static final int FIRST_PTS = 136;
    private static final int LAST_PTS = 143;

    private final FdStream stream;
    private final Path path;

    /** Returns a sink over an open descriptor, which it closes. */
    static StreamSink over(final Fd fd, final Path path) {
        return new StreamSink(fd, path);
    }

    private StreamSink(final Fd fd, final Path path) {
        this.stream = new FdStream(fd);
        this.path = path;
    }

    /** Returns the standard output. */
    public static StreamSink stdout() {
        return new StreamSink(Fd.borrow(Posix.get(), STDOUT, "stdout"), Path.of("/proc/self/fd/1"));
    }

    /**
     * Opens a FIFO or character device.
     *
     * @throws ReplicationException MISUSE when it may not be written, or nobody reads the FIFO.
     */
    public static StreamSink open(final Path path) throws IOException {
        try {
            return new StreamSink(Fd.open(Posix.get(), path.toString(), Linux.O_WRONLY | Linux.O_NONBLOCK, 0), path);
        } catch (final PosixException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE,
                    path
                            + (e.errno() == Errnos.ENXIO
                                    ? ": nobody reads this pipe; start the reader first"
                                    : ": cannot be written: " + e.errnoName()),
                    e);
        }
    }

    @Override
    public Geometry geometry() {
        return Geometry.stream();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        if (!target.force() && isTerminal()) {
            throw ReplicationException.misuse(stream + ": is a terminal; redirect it to a file or pipe, or force it");
        }
        return new StreamSession(stream);
    }

    /** Follows links to open descriptors, which have no path. Source: Linux Documentation/admin-guide/devices.txt. */
    private boolean isTerminal() throws IOException {
        if (((Integer) Files.getAttribute(path, "unix:mode") & FILE_TYPE) != CHARACTER_DEVICE) {
            return false;
        }
        final long major = ((Number) Files.getAttribute(path, "unix:rdev")).longValue() >>> 8 & 0xFFF;
        return major == TTY || major == CONSOLE || (major >= FIRST_PTS && major <= LAST_PTS);
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }

    @Override
    public String toString() {
        return stream.toString();
    }
}
