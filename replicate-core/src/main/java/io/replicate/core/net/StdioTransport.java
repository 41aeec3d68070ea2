package io.replicate.core.net;

import io.replicate.core.posix.Fd;
import io.replicate.core.posix.FileStat;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Standard input and output as one link, {@code stdio:}, for a process that {@code ssh}, inetd or {@code exec:} has
 * started. There is one such link in a process; to listen is to be given it once. From then on {@link System#out} writes
 * to the error output, so that no stray message gets into the stream.
 */
public final class StdioTransport implements Transport {
    private static final AtomicBoolean TAKEN = new AtomicBoolean();

    /** Creates the transport. It needs the native calls of {@link Posix}. */
    public StdioTransport() {}

    @Override
    public Link connect(final Locator peer, final Duration timeout) throws IOException {
        check(peer);
        return open(peer);
    }

    @Override
    public Listener listen(final Locator local) throws IOException {
        check(local);
        return new Once(local);
    }

    private static void check(final Locator locator) throws ReplicationException {
        locator.allowOnly();
        if (!locator.scheme().equals("stdio") || !locator.rest().isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': expected stdio:");
        }
        if (!Posix.get().isNative()) {
            throw ReplicationException.misuse("locator '" + locator + "': stdio: needs Linux and its native calls");
        }
    }

    private static Link open(final Locator name) throws IOException {
        if (TAKEN.getAndSet(true)) {
            throw ReplicationException.misuse("locator '" + name + "': standard input and output are in use already");
        }
        System.setOut(System.err);
        final Posix posix = Posix.get();
        final Fd input = takeOver(posix, 0, Linux.O_RDONLY, "standard input");
        try {
            final Fd output = takeOver(posix, 1, Linux.O_WRONLY, "standard output");
            return new PipeLink(posix, input, output, Peer.anonymous(name.toString()));
        } catch (final Throwable e) {
            input.close();
            throw e;
        }
    }

    /** Returns a descriptor of our own for the stream, and points the standard one at /dev/null. */
    private static Fd takeOver(final Posix posix, final int number, final int access, final String name)
            throws IOException {
        final Fd own = Fd.adopt(posix, nonBlocking(posix, number, access, name), name);
        try (Fd nothing = Fd.open(posix, "/dev/null", Linux.O_RDWR, 0)) {
            PosixException.check(posix.dup2(nothing.acquire(), number), "dup2", name);
            nothing.release();
            return own;
        } catch (final Throwable e) {
            own.close();
            throw e;
        }
    }

    /**
     * Opens the stream anew where that is possible: O_NONBLOCK belongs to the open file, which other processes may share
     * (a terminal with its shell). A regular file would lose its place; it never blocks for long. A socket cannot be
     * opened; it is ours alone in practice.
     */
    private static int nonBlocking(final Posix posix, final int number, final int access, final String name)
            throws IOException {
        final FileStat stat = posix.statx(number);
        if (!stat.isRegularFile() && !stat.isSocket()) {
            final int opened = posix.open("/proc/self/fd/" + number, access | Linux.O_NONBLOCK, 0);
            if (opened >= 0) {
                return opened;
            }
        }
        final int own =
                (int) PosixException.check(posix.fcntl(number, Linux.F_DUPFD_CLOEXEC, 3), "fcntl F_DUPFD", name);
        final int flags = posix.fcntl(own, Linux.F_GETFL, 0);
        if (flags < 0 || posix.fcntl(own, Linux.F_SETFL, flags | Linux.O_NONBLOCK) < 0) {
            posix.close(own);
            throw ReplicationException.fail(name + " cannot be made non-blocking", null);
        }
        return own;
    }

    /** Hands out the one link, once; whoever asks again waits in vain. */
    private static final class Once implements Listener {
        private final Locator local;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition closing = lock.newCondition();
        private boolean handedOut;
        private boolean closed;

        Once(final Locator local) {
            this.local = local;
        }

        @Override
        public Locator local() {
            return local;
        }

        @Override
        public @Nullable Link accept(final Duration timeout) throws IOException {
            final Deadline deadline = Deadline.in(timeout);
            lock.lock();
            try {
                while (!closed && handedOut && !deadline.passed()) {
                    closing.awaitNanos(deadline.left().toNanos());
                }
                if (closed) {
                    throw new AsynchronousCloseException();
                }
                if (handedOut) {
                    return null;
                }
                handedOut = true;
                return open(local);
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ReplicationException(
                        ReplicationException.Category.CANCELLED, "interrupted while accepting at " + local, e);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                closed = true;
                closing.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
