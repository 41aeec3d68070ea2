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

    private final FdStream stream;
    private final Path terminalLink;

    /** Returns a sink over an open descriptor, which it closes. */
    static StreamSink over(final Fd fd, final Path path) {
        return new StreamSink(fd, path);
    }

    private StreamSink(final Fd fd, final Path terminalLink) {
        this.stream = new FdStream(fd);
        this.terminalLink = terminalLink;
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

    private boolean isTerminal() throws IOException {
        if (!Files.exists(terminalLink)) {
            return false;
        }
        final String real = terminalLink.toRealPath().toString();
        return real.startsWith("/dev/pts/") || real.startsWith("/dev/tty") || "/dev/console".equals(real);
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
