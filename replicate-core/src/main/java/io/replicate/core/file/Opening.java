package io.replicate.core.file;

import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.FileStat;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.NativeFile.Option;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens files and devices, and says in a user's words why that did not work. */
final class Opening {
    private static final Logger log = LoggerFactory.getLogger(Opening.class);

    private Opening() {}

    /**
     * Opens a regular file or block device. Falls back to the page cache, with a log line, where O_DIRECT is not
     * possible.
     *
     * @throws ReplicationException MISUSE in a user's words.
     */
    static NativeFile open(final Path path, final boolean direct, final Option... options) throws IOException {
        final Set<Option> set = EnumSet.of(options[0], options);
        if (direct) {
            set.add(Option.DIRECT);
        }
        final NativeFile file = tryOpen(path, set);
        try {
            final FileStat stat = file.stat();
            if (!stat.isRegularFile() && !stat.isBlockDevice()) {
                throw ReplicationException.misuse(path + ": "
                        + (stat.isDirectory()
                                ? "is a directory; name a file or a block device"
                                : "is a stream; only a file or a block device can be read and written at any offset"));
            }
            return file;
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    private static NativeFile tryOpen(final Path path, final Set<Option> options) throws IOException {
        try {
            return NativeFile.open(Posix.get(), path, options);
        } catch (final PosixException e) {
            if (e.errno() == Errnos.EINVAL && options.contains(Option.DIRECT)) {
                log.info("{}: O_DIRECT is not possible here, using the page cache", path);
                final Set<Option> buffered = EnumSet.copyOf(options);
                buffered.remove(Option.DIRECT);
                return tryOpen(path, buffered);
            }
            throw explain(e, path, options.contains(Option.WRITE));
        }
    }

    /**
     * Locks a file against other writers of this kind. Returns false when one has it; true also, with a log line, where
     * the file system has no locks, or none for a file that is only read (NFS).
     */
    static boolean tryLock(final NativeFile file) throws IOException {
        try {
            return file.tryLock();
        } catch (final PosixException e) {
            if (!e.isUnsupported() && !"ENOLCK".equals(e.errnoName()) && !"EBADF".equals(e.errnoName())) {
                throw e;
            }
            log.info("{}: cannot be locked here ({}); see to it that nothing else writes it", file, e.errnoName());
            return true;
        }
    }

    private static ReplicationException explain(final PosixException e, final Path path, final boolean writing) {
        final String why = switch (e.errnoName()) {
            case "ENOENT" -> "no such file or device";
            case "ENOTDIR" -> "a part of the path is no directory";
            case "EISDIR" -> "is a directory; name a file or a block device";
            case "EACCES", "EPERM" ->
                "permission denied; run as a user who may " + (writing ? "write" : "read") + " it";
            case "EROFS" -> "is read-only";
            case "EBUSY" -> "is in use by the system (mounted, swap, RAID or LVM); unmount it first";
            case "ETXTBSY" -> "is a program that is running, or active swap";
            case "ENXIO", "ENODEV", "ENOMEDIUM" -> "the device is not there, or has no medium";
            default -> null;
        };
        return why == null
                ? ReplicationException.fail(String.valueOf(e.getMessage()), e)
                : new ReplicationException(ReplicationException.Category.MISUSE, path + ": " + why, e);
    }
}
