package io.replicate.core.file;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * What a target path leads to.
 *
 * @param path absolute, behind every symbolic link of the last name.
 * @param kind what is there.
 */
record TargetPath(Path path, Kind kind) {
    private static final int MAX_LINKS = 40; // as the kernel
    private static final int FILE_TYPE = 0xF000;
    private static final int BLOCK_DEVICE = 0x6000;

    enum Kind {
        ABSENT,
        FILE,
        DEVICE,
        DIRECTORY,
        /** A pipe, terminal, socket or other character device. */
        STREAM
    }

    static TargetPath of(final Path path) throws IOException {
        Path target = path.toAbsolutePath();
        for (int i = 0; Files.isSymbolicLink(target); i++) {
            if (i == MAX_LINKS) {
                throw ReplicationException.misuse(path + ": too many levels of symbolic links");
            }
            target = target.resolveSibling(Files.readSymbolicLink(target));
        }
        return new TargetPath(target, kindOf(target));
    }

    static Kind kindOf(final Path path) throws IOException {
        if (!Files.exists(path)) {
            return Kind.ABSENT;
        }
        if (Files.isRegularFile(path)) {
            return Kind.FILE;
        }
        if (Files.isDirectory(path)) {
            return Kind.DIRECTORY;
        }
        return ((Integer) Files.getAttribute(path, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE
                ? Kind.DEVICE
                : Kind.STREAM;
    }

    /** Refuses targets that nobody meant. */
    void requireKind(final Target target) throws IOException {
        switch (kind) {
            case DIRECTORY -> throw ReplicationException.misuse(path + ": is a directory; name a file in it");
            case STREAM ->
                throw ReplicationException.misuse(
                        path + ": is a stream; only a file or a block device can be written at any offset");
            case DEVICE -> {
                if (!target.fromDevice() && !target.force()) {
                    throw ReplicationException.misuse(path + ": is a block device and the source is not; the device's"
                            + " content would be lost. Force it if you mean it, or name a file");
                }
            }
            case FILE -> {
                if (target.fromDevice() && !target.force()) {
                    throw ReplicationException.misuse(path + ": is an existing file and the source is a block device;"
                            + " force it to replace the file, or name a new one");
                }
                requireWritableStorage();
                if (!Files.isWritable(path) && !target.force()) {
                    throw ReplicationException.misuse(path + ": may not be written; change its mode, or force it");
                }
            }
            case ABSENT -> requireNoDeviceName(target);
        }
    }

    /** No change of mode and no force helps where the file system is mounted read-only. */
    void requireWritableStorage() throws IOException {
        final Path directory = directory();
        // The kernel is asked first: the list of mounts names only the first of those that a directory is seen through.
        if (Files.isDirectory(directory)
                && !Files.isWritable(directory)
                && Files.getFileStore(directory).isReadOnly()) {
            throw ReplicationException.misuse(path + ": lies on a file system that is mounted read-only; mount it for"
                    + " writing, or name a target elsewhere");
        }
    }

    /** A mistyped device name must not become a file that fills the memory behind /dev. */
    private void requireNoDeviceName(final Target target) throws IOException {
        final Path directory = directory();
        if (!target.force()
                && Files.isDirectory(directory)
                && "devtmpfs".equals(Files.getFileStore(directory).type())) {
            throw ReplicationException.misuse(path + ": no such device");
        }
    }

    Path directory() {
        final Path parent = path.getParent();
        return parent == null ? path : parent;
    }

    boolean exists() {
        return kind != Kind.ABSENT && Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }
}
