package io.replicate.delta.apply;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.Pieces;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A directory of a file system, locked as long as it is open. */
public final class NativeStateDirectory implements StateDirectory {
    static final String LOCK = "lock";

    private static final int ATTEMPTS = 100;

    private final Path directory;
    private final @Nullable NativeFile lock;

    private NativeStateDirectory(final Path directory, final @Nullable NativeFile lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /**
     * Makes the directory if there is none, and locks it.
     *
     * @throws ReplicationException MISUSE when another process has it locked.
     */
    public static NativeStateDirectory open(final Path directory) throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            final @Nullable NativeFile lock = lockOnce(directory);
            if (lock != null) {
                return new NativeStateDirectory(directory, lock);
            }
        }
        throw busy(directory);
    }

    private static ReplicationException busy(final Path directory) {
        return ReplicationException.misuse(
                directory + ": another process is changing this target; wait until it has ended");
    }

    /** Locks it, or returns null when whoever had it before removed it meanwhile. */
    private static @Nullable NativeFile lockOnce(final Path directory) throws IOException {
        final NativeFile lock;
        try {
            make(directory);
            lock = NativeFile.open(
                    directory.resolve(LOCK), NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE);
        } catch (final IOException e) {
            if (vanished(e)) {
                return null;
            }
            throw e;
        }
        boolean held = false;
        try {
            if (!lock.tryLock()) {
                throw busy(directory);
            }
            // A lock whose file has lost its name keeps nobody out: the next one makes another.
            held = isNamed(lock);
        } finally {
            if (!held) {
                lock.close();
            }
        }
        return held ? lock : null;
    }

    private static boolean vanished(final IOException e) {
        return e instanceof NoSuchFileException || (e instanceof PosixException p && p.errno() == Errnos.ENOENT);
    }

    private static void make(final Path directory) throws IOException {
        final boolean fresh = !Files.isDirectory(directory);
        if (fresh) {
            createDirectories(directory);
        }
        final @Nullable Path parent = directory.toAbsolutePath().getParent();
        if (fresh && parent != null) {
            DurableFiles.fsyncDirectory(parent);
        }
    }

    /** Another may remove what it sees that there is. */
    private static void createDirectories(final Path directory) throws IOException {
        try {
            Files.createDirectories(directory);
        } catch (final FileAlreadyExistsException e) {
            if (Files.exists(directory) && !Files.isDirectory(directory)) {
                throw e;
            }
        }
    }

    private static boolean isNamed(final NativeFile file) throws IOException {
        try {
            return ((Number) Files.getAttribute(file.path(), "unix:ino")).longValue()
                    == file.stat().inode();
        } catch (final NoSuchFileException e) {
            return false;
        }
    }

    /** Opens an existing directory for a reader beside whoever has it locked; nothing may be changed through it. */
    static NativeStateDirectory readOnly(final Path directory) {
        return new NativeStateDirectory(directory, null);
    }

    /** Returns where it is. */
    public Path path() {
        return directory;
    }

    @Override
    public List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(f -> String.valueOf(f.getFileName())).sorted().toList();
        }
    }

    @Override
    public boolean exists(final String name) {
        return Files.exists(directory.resolve(name));
    }

    @Override
    public StateFile open(final String name) throws IOException {
        return new Native(
                lock == null
                        ? NativeFile.open(directory.resolve(name), NativeFile.Option.READ)
                        : NativeFile.open(directory.resolve(name), NativeFile.Option.READ, NativeFile.Option.WRITE));
    }

    @Override
    public StateFile create(final String name) throws IOException {
        return new Native(NativeFile.open(
                directory.resolve(name),
                NativeFile.Option.READ,
                NativeFile.Option.WRITE,
                NativeFile.Option.CREATE,
                NativeFile.Option.TRUNCATE));
    }

    @Override
    public void rename(final String from, final String to) throws IOException {
        Files.move(directory.resolve(from), directory.resolve(to), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(final String name) throws IOException {
        Files.deleteIfExists(directory.resolve(name));
    }

    @Override
    public void sync() throws IOException {
        DurableFiles.fsyncDirectory(directory);
    }

    /** Unlocks it, and removes it when nothing but the lock is in it. */
    @Override
    public void close() throws IOException {
        if (lock == null) {
            return;
        }
        try (lock) {
            if (names().equals(List.of(LOCK))) {
                Files.deleteIfExists(directory.resolve(LOCK));
                Files.deleteIfExists(directory);
            }
        } catch (final DirectoryNotEmptyException e) {
            // Somebody opened it between the two: it is theirs now.
            return;
        }
    }

    private static final class Native implements StateFile {
        private final NativeFile file;

        Native(final NativeFile file) {
            this.file = file;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public void read(final long offset, final ByteBuffer into) throws IOException {
            final int wanted = into.remaining();
            final int got;
            if (into.isDirect()) {
                got = file.read(into, offset);
            } else {
                final ByteBuffer direct = ByteBuffer.allocateDirect(wanted);
                got = file.read(direct, offset);
                into.put(direct.flip());
            }
            if (got < wanted) {
                throw ReplicationException.corrupt("read " + file + " offset=" + offset + " length=" + wanted
                        + ": only " + got + " bytes are there; the file was cut");
            }
        }

        @Override
        public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
            if (!into.isDirect()) {
                StateFile.super.readAll(pieces, into);
                return;
            }
            final long missing = file.readAll(pieces, into);
            if (missing >= 0) {
                throw ReplicationException.corrupt(
                        "read " + file + " offset=" + missing + ": nothing is there; the file was cut");
            }
        }

        @Override
        public void write(final long offset, final ByteBuffer from) throws IOException {
            file.write(DirectBuffers.of(from), offset);
            from.position(from.limit());
        }

        @Override
        public void reserve(final long bytes) throws IOException {
            final int number = file.fd().acquire();
            try {
                final int r = Posix.get().fallocate(number, Linux.FALLOC_FL_KEEP_SIZE, 0, bytes);
                if (r < 0 && !Errnos.isUnsupported(-r)) {
                    throw new PosixException("fallocate", file.toString(), 0, bytes, -r);
                }
            } finally {
                file.fd().release();
            }
        }

        @Override
        public void truncate(final long bytes) throws IOException {
            file.truncate(bytes);
        }

        @Override
        public void sync() throws IOException {
            file.sync();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
