package io.replicate.core.net;

import io.netty.channel.unix.Errors;
import io.netty.channel.unix.Socket;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.Set;
import jnr.constants.platform.Errno;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listening descriptor. */
final class NativeListener implements Listener {
    private static final Logger log = LoggerFactory.getLogger(NativeListener.class);

    /** What accept(2) may say of a peer that has left again; network errors of the new socket are among them. */
    private static final Set<Integer> PEER_IS_GONE = Set.of(
            Errno.ECONNABORTED.intValue(),
            Errno.EPROTO.intValue(),
            Errno.EPERM.intValue(),
            Errno.ENETDOWN.intValue(),
            Errno.EHOSTDOWN.intValue(),
            Errno.EHOSTUNREACH.intValue(),
            Errno.ENETUNREACH.intValue());

    /** Length of the buffer that Netty writes the peer's address to: length, address, scope, port. */
    private static final int ADDRESS_BYTES = 26;

    private final Posix posix;
    private final Socket socket;
    private final Fd fd;
    private final SocketOptions options;
    private final Locator local;
    private final byte[] address = new byte[ADDRESS_BYTES];

    NativeListener(
            final Posix posix, final Socket socket, final Fd fd, final SocketOptions options, final Locator local) {
        this.posix = posix;
        this.socket = socket;
        this.fd = fd;
        this.options = options;
        this.local = local;
    }

    @Override
    public Locator local() {
        return local;
    }

    @Override
    public @Nullable Link accept(final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        final int number = acquire();
        try {
            while (true) {
                final @Nullable Link link = tryAccept();
                if (link != null) {
                    return link;
                }
                if (!fd.isOpen()) {
                    throw new AsynchronousCloseException();
                }
                final int ready = posix.poll(number, Linux.POLLIN, deadline.leftMs());
                if (ready == 0) {
                    return null;
                }
                PosixException.check(ready, "poll", fd.name());
            }
        } finally {
            fd.release();
        }
    }

    private int acquire() throws IOException {
        try {
            return fd.acquire();
        } catch (final PosixException e) {
            throw new AsynchronousCloseException();
        }
    }

    private @Nullable Link tryAccept() throws IOException {
        final int accepted;
        try {
            accepted = socket.accept(address);
        } catch (final Errors.NativeIoException e) {
            final int errno = Math.abs(e.expectedErr());
            if (!fd.isOpen() || PEER_IS_GONE.contains(errno)) {
                return null;
            }
            throw ReplicationException.retry("accept at " + local + ": " + Errnos.name(errno), e);
        }
        if (accepted < 0) {
            return null;
        }
        try {
            return NativeSockets.INSTANCE.accepted(accepted, local.scheme().equals("unix"), options, local);
        } catch (final IOException e) {
            log.debug("a peer at {} left at once: {}", local, e.getMessage());
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        NativeSockets.shutdownAndClose(posix, fd);
    }
}
