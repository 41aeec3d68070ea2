package io.replicate.core.posix;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * Files that appear whole or not at all, also across a power failure: written beside the target, synced, renamed, and
 * the directory synced. Thread-safe.
 */
public final class DurableFiles {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int SUFFIX_BYTES = 6;

    private DurableFiles() {}

    /**
     * Replaces the target's content, or makes the target. When this returns the new content is durable; if it throws,
     * or the machine dies, the target holds either the old or the new content, and never a mixture.
     */
    public static void replace(Path target, ByteBuffer content) throws IOException {
        Path temporary = temporaryBeside(target);
        try {
            try (NativeFile file = NativeFile.open(
                    temporary, NativeFile.Option.WRITE, NativeFile.Option.CREATE, NativeFile.Option.EXCLUSIVE)) {
                file.write(direct(content), 0);
                file.sync();
            }
            publish(temporary, target);
        } catch (IOException | RuntimeException e) {
            deleteAfter(temporary, e);
            throw e;
        }
    }

    /**
     * Renames a finished and synced file over the target, and makes that durable. Both are in the same file system.
     * A failure of the directory's sync is reported although the rename is already visible.
     */
    public static void publish(Path temporary, Path target) throws IOException {
        rename(temporary, target);
        fsyncDirectory(directoryOf(target));
    }

    /** As {@link #publish}, but throws {@link FileAlreadyExistsException} if the target exists. */
    public static void publishNew(Path temporary, Path target) throws IOException {
        int result = Posix.get().rename(temporary.toString(), target.toString(), Linux.RENAME_NOREPLACE);
        if (result == -Errnos.EEXIST) {
            throw new FileAlreadyExistsException(target.toString());
        }
        if (result == -Errnos.EINVAL || (result < 0 && Errnos.isUnsupported(-result))) {
            Files.createLink(target, temporary); // this file system has no RENAME_NOREPLACE; a link never replaces
            Files.delete(temporary);
        } else {
            PosixException.check(result, "renameat2", temporary + " -> " + target);
        }
        fsyncDirectory(directoryOf(target));
    }

    /** Returns a hidden name in the target's directory that nothing else uses: {@code .disk.img.3f09….tmp}. */
    public static Path temporaryBeside(Path target) {
        byte[] random = new byte[SUFFIX_BYTES];
        RANDOM.nextBytes(random);
        String name = "." + target.toAbsolutePath().getFileName() + "."
                + HexFormat.of().formatHex(random) + ".tmp";
        return directoryOf(target).resolve(name);
    }

    /** When this returns, the names made, changed and removed in the directory before are durable. */
    public static void fsyncDirectory(Path directory) throws IOException {
        try (NativeFile opened = NativeFile.open(directory, NativeFile.Option.READ)) {
            opened.sync();
        }
    }

    private static void rename(Path from, Path to) throws IOException {
        int result = Posix.get().rename(from.toString(), to.toString(), 0);
        if (result == -Errnos.ENOSYS) {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } else {
            PosixException.check(result, "rename", from + " -> " + to);
        }
    }

    private static Path directoryOf(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null) {
            throw new IllegalArgumentException(file + " is not a file's name");
        }
        return parent;
    }

    private static ByteBuffer direct(ByteBuffer content) {
        if (content.isDirect()) {
            return content.duplicate();
        }
        return ByteBuffer.allocateDirect(content.remaining())
                .put(content.duplicate())
                .flip();
    }

    private static void deleteAfter(Path temporary, Exception failure) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}
