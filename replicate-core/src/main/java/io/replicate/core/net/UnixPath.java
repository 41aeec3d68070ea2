package io.replicate.core.net;

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
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The file that a Unix socket is named by. A socket that nobody listens at any more is removed before listening, and our
 * own when the listener is closed. Who may connect is a matter of the permissions of its directory.
 */
final class UnixPath {
    /** Length of {@code sun_path} without its terminating zero. */
    private static final int MAX_PATH_BYTES = 107;

    private static final Duration PROBE = Duration.ofSeconds(2);

    private UnixPath() {}

    static UnixDomainSocketAddress of(final Locator locator) throws ReplicationException {
        final String rest = locator.rest();
        final String path = rest.startsWith("///") ? rest.substring(2) : rest;
        if (path.isEmpty() || path.startsWith("//")) {
            throw ReplicationException.misuse("locator '" + locator + "': expected unix:PATH");
        }
        if (path.getBytes(StandardCharsets.UTF_8).length > MAX_PATH_BYTES) {
            throw ReplicationException.misuse("locator '" + locator + "': the path of a Unix socket has at most "
                    + MAX_PATH_BYTES + " bytes; choose a shorter one, or a relative one");
        }
        return UnixDomainSocketAddress.of(path);
    }

    /** Listens at a path. */
    static Listener listen(final Sockets sockets, final SocketOptions options, final Locator name) throws IOException {
        final UnixDomainSocketAddress address = of(name);
        final Path path = address.getPath();
        // Two that start at once must not remove each other's socket. A lock on the directory leaves no file behind.
        final Lock lock = Lock.of(Objects.requireNonNullElse(path.getParent(), Path.of(".")), name);
        try (lock) {
            removeStale(sockets, options, address, name);
            final Listener listener = sockets.listen(address, options, name);
            return new Unlinking(listener, path, fileKey(path));
        }
    }

    private static void removeStale(
            final Sockets sockets,
            final SocketOptions options,
            final UnixDomainSocketAddress address,
            final Locator name)
            throws IOException {
        final Path path = address.getPath();
        final BasicFileAttributes found;
        try {
            found = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        } catch (final NoSuchFileException e) {
            return;
        }
        if (!found.isOther()) {
            throw ReplicationException.misuse(
                    "listen at " + name + ": the path exists and is not a socket; remove it, or choose another");
        }
        try (Link probe = sockets.connect(address, null, options, PROBE)) {
            throw ReplicationException.misuse(
                    "listen at " + name + ": " + probe.peer() + " is in use by another process");
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            Files.deleteIfExists(path); // nobody answers
        }
    }

    private static @Nullable Object fileKey(final Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** flock(2) on a directory. Where there is no such call, there is no lock either. */
    private record Lock(@Nullable Fd fd) implements AutoCloseable {
        private static final Duration PATIENCE = Duration.ofSeconds(5);
        private static final int PAUSE_MS = 20;

        static Lock of(final Path directory, final Locator name) throws IOException {
            final Posix posix = Posix.get();
            if (!posix.isNative()) {
                return new Lock(null);
            }
            final Fd fd = Fd.open(posix, directory.toString(), Linux.O_RDONLY, 0);
            final Deadline deadline = Deadline.in(PATIENCE);
            try {
                final int number = fd.acquire();
                try {
                    int result = posix.flock(number, Linux.LOCK_EX | Linux.LOCK_NB);
                    while (result == -Errnos.EAGAIN && !deadline.passed()) {
                        posix.poll(0L, 0, PAUSE_MS); // looks at no descriptor: a pause
                        result = posix.flock(number, Linux.LOCK_EX | Linux.LOCK_NB);
                    }
                    PosixException.check(result, "flock", directory.toString());
                } finally {
                    fd.release();
                }
            } catch (final IOException e) {
                fd.close();
                throw ReplicationException.fail("listen at " + name + ": " + e.getMessage(), e);
            }
            return new Lock(fd);
        }

        @Override
        public void close() throws IOException {
            if (fd != null) {
                // not left to close(2): a child that is being forked just now shares the open file for a moment
                Posix.get().flock(fd.acquire(), Linux.LOCK_UN);
                fd.release();
                fd.close();
            }
        }
    }

    /** Removes the path with the listener, unless somebody has put another file there. */
    private record Unlinking(
            Listener listener, Path path, @Nullable Object key) implements Listener {

        @Override
        public Locator local() {
            return listener.local();
        }

        @Override
        public @Nullable Link accept(final Duration timeout) throws IOException {
            return listener.accept(timeout);
        }

        @Override
        public void close() throws IOException {
            try {
                if (key != null && key.equals(fileKey(path))) {
                    Files.delete(path);
                }
            } catch (final NoSuchFileException e) {
                // somebody was faster
            } finally {
                listener.close();
            }
        }
    }
}
