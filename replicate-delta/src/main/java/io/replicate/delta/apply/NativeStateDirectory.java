package io.replicate.delta.apply;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A directory of a file system, locked as long as it is open. */
public final class NativeStateDirectory implements StateDirectory {
    static final String LOCK = "lock";

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
        final boolean fresh = !Files.isDirectory(directory);
        Files.createDirectories(directory);
        final @Nullable Path parent = directory.toAbsolutePath().getParent();
        if (fresh && parent != null) {
            DurableFiles.fsyncDirectory(parent);
        }
        final NativeFile lock = NativeFile.open(
                directory.resolve(LOCK), NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE);
        if (!lock.tryLock()) {
            lock.close();
            throw ReplicationException.misuse(
                    directory + ": another process is changing this target; wait until it has ended");
        }
        return new NativeStateDirectory(directory, lock);
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
