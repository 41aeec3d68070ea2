package io.replicate.core.net;

import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Pipe;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * Moves bytes from a plain link to a file inside the kernel: socket, pipe, file. After a failure bytes may be left in the
 * pipe, so it can only be closed, and so can the link. Used by one thread.
 */
public final class LinkSplice implements AutoCloseable {
    private static final int PIPE_BYTES = 1 << 20;

    private final Posix posix;
    private final Link link;
    private final Fd socket;
    private final Pipe pipe;
    private int timeoutMs = Deadline.toMs(Links.DEFAULT_TIMEOUT);

    private LinkSplice(final Posix posix, final Link link, final Fd socket, final Pipe pipe) {
        this.posix = posix;
        this.link = link;
        this.socket = socket;
        this.pipe = pipe;
    }

    /** Returns the splice of a link, or empty where the link has no descriptor or the platform no splice. */
    public static Optional<LinkSplice> of(final Link link) throws IOException {
        final Posix posix = Posix.get();
        final Optional<Fd> socket = link.fd();
        if (socket.isEmpty() || !posix.isNative()) {
            return Optional.empty();
        }
        return Optional.of(new LinkSplice(posix, link, socket.get(), Pipe.open(posix, PIPE_BYTES, false)));
    }

    /** Sets how long the link may stand still. */
    public void timeout(final Duration idle) {
        timeoutMs = Deadline.toMs(idle);
    }

    /**
     * Moves the next {@code length} bytes of the link to the file at {@code offset}.
     *
     * @throws ReplicationException RETRY when the link ends, breaks or stands still.
     * @throws PosixException when the file cannot be written: {@code splice PATH offset= length=: ENOSPC}.
     */
    public void receive(final Fd file, final long offset, final long length) throws IOException {
        final int in = acquireSocket();
        try {
            final int out = file.acquire();
            try {
                long done = 0;
                while (done < length) {
                    final long n = fill(in, length - done);
                    drain(file, out, offset + done, n);
                    done += n;
                }
            } finally {
                file.release();
            }
        } finally {
            socket.release();
        }
    }

    private int acquireSocket() throws IOException {
        try {
            return socket.acquire();
        } catch (final PosixException e) {
            throw Links.closed("receive from", link.peer());
        }
    }

    private long fill(final int in, final long wanted) throws IOException {
        final int sink = pipe.sink().acquire();
        try {
            while (true) {
                final long n = posix.splice(
                        in, Posix.CURRENT, sink, Posix.CURRENT, wanted, Linux.SPLICE_F_MOVE | Linux.SPLICE_F_NONBLOCK);
                if (n > 0) {
                    return n;
                }
                if (!socket.isOpen()) {
                    throw Links.closed("receive from", link.peer());
                }
                if (n == 0) {
                    throw ReplicationException.retry("receive from " + link.peer() + ": the stream ended", null);
                }
                if (n != -Errnos.EAGAIN) {
                    throw ReplicationException.retry(
                            "receive from " + link.peer() + ": " + Errnos.name((int) -n), null);
                }
                if (posix.poll(in, Linux.POLLIN, timeoutMs) == 0) {
                    throw Links.idle("receive from", link.peer(), "nothing came", timeoutMs);
                }
            }
        } finally {
            pipe.sink().release();
        }
    }

    private void drain(final Fd file, final int out, final long offset, final long length) throws IOException {
        final int source = pipe.source().acquire();
        try {
            long done = 0;
            while (done < length) {
                final long n =
                        posix.splice(source, Posix.CURRENT, out, offset + done, length - done, Linux.SPLICE_F_MOVE);
                done += PosixException.check(
                        n == 0 ? -Errnos.EIO : n, "splice", file.name(), offset + done, length - done);
            }
        } finally {
            pipe.source().release();
        }
    }

    @Override
    public void close() throws IOException {
        pipe.close();
    }
}
