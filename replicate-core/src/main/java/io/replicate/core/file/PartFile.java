package io.replicate.core.file;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.FileStat;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.TargetBusyException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The half-made file beside a target, {@code .NAME.KEY.part}: locked while it is written, private until it is published,
 * and removed on close unless a resume key asks to keep it.
 */
final class PartFile implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(PartFile.class);
    private static final String SUFFIX = ".part";
    private static final String WITHOUT_KEY = "new";
    private static final int MAX_NAME_BYTES = 255;
    private static final int MAX_ATTEMPTS = 100;

    private final TargetPath target;
    private final Path path;
    private final NativeFile file;
    private final boolean resumable;
    private final boolean resumed;
    private boolean published;
    private boolean abandoned;
    private boolean discarded;

    private PartFile(
            final TargetPath target,
            final Path path,
            final NativeFile file,
            final boolean resumable,
            final boolean resumed) {
        this.target = target;
        this.path = path;
        this.file = file;
        this.resumable = resumable;
        this.resumed = resumed;
    }

    /**
     * Opens and locks the part file of a target: the one with the wanted resume key and size, or an empty one.
     *
     * @throws TargetBusyException when somebody else is writing the same target.
     */
    static PartFile open(final TargetPath target, final boolean direct, final Target wanted) throws IOException {
        final String key = wanted.resumeKey();
        final boolean resumable = key != null;
        final Path path = beside(target.path(), key == null ? WITHOUT_KEY : key);
        requireNoOtherWriter(target, path);
        final NativeFile file = openLocked(target, path, direct);
        try {
            final boolean resumed = resumable && wanted.sizeBytes() > 0 && file.size() == wanted.sizeBytes();
            if (!resumed) {
                file.truncate(0);
            }
            return new PartFile(target, path, file, resumable, resumed);
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    private static NativeFile openLocked(final TargetPath target, final Path path, final boolean direct)
            throws IOException {
        for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
            createPrivate(path);
            final NativeFile file;
            try {
                file = Opening.open(path, direct, NativeFile.Option.READ, NativeFile.Option.WRITE);
            } catch (final ReplicationException e) {
                if (Files.exists(path)) {
                    throw e;
                }
                continue; // another writer has just published or removed it
            }
            if (!Opening.tryLock(file)) {
                file.close();
                throw busy(target);
            }
            if (isStillNamed(file, path)) {
                return file;
            }
            file.close();
        }
        throw busy(target);
    }

    private static void createPrivate(final Path path) throws IOException {
        try {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (final FileAlreadyExistsException e) {
            log.debug("{} is there already", path);
        }
    }

    /** Between open and lock another writer may have renamed the file to its final name: that one is not ours. */
    private static boolean isStillNamed(final NativeFile file, final Path path) throws IOException {
        final FileStat opened = file.stat();
        try {
            return ((Number) Files.getAttribute(path, "unix:ino")).longValue() == opened.inode();
        } catch (final NoSuchFileException e) {
            return false;
        }
    }

    /** Looks at the locks of the target itself (a volume that is served) and of part files with other keys. */
    private static void requireNoOtherWriter(final TargetPath target, final Path own) throws IOException {
        if (target.exists()) {
            requireUnlocked(target, target.path());
        }
        final String prefix = prefix(target.path());
        try (DirectoryStream<Path> parts =
                Files.newDirectoryStream(target.directory(), path -> isPartWithPrefix(path, prefix))) {
            for (final Path part : parts) {
                if (!part.getFileName().equals(own.getFileName())) {
                    requireUnlocked(target, part);
                }
            }
        }
    }

    /** A key has no dot: {@code .disk.img.new.part} belongs to disk.img, and not to disk. */
    private static boolean isPartWithPrefix(final Path path, final String prefix) {
        final String name = String.valueOf(path.getFileName());
        return name.startsWith(prefix)
                && name.endsWith(SUFFIX)
                && name.indexOf('.', prefix.length()) == name.length() - SUFFIX.length();
    }

    private static void requireUnlocked(final TargetPath target, final Path path) throws IOException {
        if (!Files.isReadable(path)) {
            return;
        }
        try (NativeFile other = NativeFile.open(path, NativeFile.Option.READ)) {
            if (!Opening.tryLock(other)) {
                throw busy(target);
            }
        }
    }

    private static ReplicationException busy(final TargetPath target) {
        return new TargetBusyException(
                target.path() + ": is being written or served by another process; wait for it or stop it");
    }

    static Path beside(final Path target, final String key) {
        return target.resolveSibling(prefix(target) + key + SUFFIX);
    }

    private static String prefix(final Path target) {
        final String name = String.valueOf(target.getFileName());
        final int room = MAX_NAME_BYTES - 64 - SUFFIX.length() - 2;
        if (name.getBytes(StandardCharsets.UTF_8).length <= room) {
            return "." + name + ".";
        }
        final byte[] hash = Digest.Algorithm.SHA_256.newMessageDigest().digest(name.getBytes(StandardCharsets.UTF_8));
        return "." + HexFormat.of().formatHex(hash) + ".";
    }

    NativeFile file() {
        return file;
    }

    Path path() {
        return path;
    }

    boolean resumable() {
        return resumable;
    }

    boolean resumed() {
        return resumed;
    }

    /** Gives the part file the mode and owner of the file it will replace, or the mode of a new file. */
    void takeOverAttributes(final NewMode mode) throws IOException {
        if (!Files.isRegularFile(target.path())) {
            setMode(mode.bits());
            return;
        }
        for (final String owner : new String[] {"unix:gid", "unix:uid"}) {
            final Object wanted = Files.getAttribute(target.path(), owner);
            if (!wanted.equals(Files.getAttribute(path, owner))) {
                try {
                    Files.setAttribute(path, owner, wanted);
                } catch (final IOException e) {
                    log.warn("{}: cannot keep the {} {} of the file it replaces", target.path(), owner, wanted);
                }
            }
        }
        setMode((Integer) Files.getAttribute(target.path(), "unix:mode"));
    }

    private void setMode(final int mode) throws IOException {
        final Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        final PosixFilePermission[] inOrder = PosixFilePermission.values(); // OWNER_READ … OTHERS_EXECUTE
        for (int i = 0; i < inOrder.length; i++) {
            if ((mode & (0400 >> i)) != 0) {
                permissions.add(inOrder[i]);
            }
        }
        Files.setPosixFilePermissions(path, permissions);
    }

    /** Removes the file on close if this session has made it: it failed before its first byte. */
    void abandon() {
        abandoned = true;
    }

    /** Removes the file on close, whoever has made it: what is in it is of no use. */
    void discard() {
        discarded = true;
    }

    /** Renames the synced part file over the target, durably. */
    void publish() throws IOException {
        DurableFiles.publish(path, target.path());
        published = true;
    }

    @Override
    public void close() throws IOException {
        try (file) {
            final boolean keep = published || (resumable && !discarded && (resumed || !abandoned));
            if (!keep && file.fd().isOpen()) {
                Files.deleteIfExists(path); // while the lock is held: a later writer makes its own
            }
        }
    }
}
