package io.replicate.delta;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.Cloner;
import io.replicate.delta.apply.TargetImage;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Clones a file by FICLONE, on XFS, btrfs and others. Not where the file has several names, or is open elsewhere: its
 * other names, and whoever has it open, would keep the old content. Used by one thread.
 */
final class ReflinkCloner implements Cloner {
    private static final String NAME = "clone.img";

    private final Path target;
    private final Path clone;

    /** Creates a cloner of a file, whose clones are made in the directory of its state. */
    ReflinkCloner(final Path target, final Path directory) {
        this.target = target;
        this.clone = directory.resolve(NAME);
    }

    @Override
    public @Nullable TargetImage make() throws IOException {
        if (((Number) Files.getAttribute(target, "unix:nlink")).intValue() != 1 || openElsewhere()) {
            return null;
        }
        discard();
        final boolean cloned;
        try (NativeFile from = NativeFile.open(target, NativeFile.Option.READ);
                NativeFile to = NativeFile.open(
                        clone, NativeFile.Option.WRITE, NativeFile.Option.CREATE, NativeFile.Option.EXCLUSIVE)) {
            cloned = ficlone(to, from);
        }
        if (!cloned) {
            discard();
            return null;
        }
        copyAttributes();
        DurableFiles.fsyncDirectory(java.util.Objects.requireNonNull(clone.getParent()));
        return Images.target(Locator.file(clone.toString()), true);
    }

    private static boolean ficlone(final NativeFile to, final NativeFile from) throws IOException {
        final int toFd = to.fd().acquire();
        try {
            final int fromFd = from.fd().acquire();
            try {
                return Posix.get().ficlone(toFd, fromFd) == 0;
            } finally {
                from.fd().release();
            }
        } finally {
            to.fd().release();
        }
    }

    private void copyAttributes() throws IOException {
        final PosixFileAttributes from = Files.readAttributes(target, PosixFileAttributes.class);
        final PosixFileAttributeView to = Files.getFileAttributeView(clone, PosixFileAttributeView.class);
        if (!from.owner().equals(to.readAttributes().owner())) {
            to.setOwner(from.owner());
        }
        if (!from.group().equals(to.readAttributes().group())) {
            to.setGroup(from.group());
        }
        to.setPermissions(from.permissions());
    }

    /** Looks through the open files of all processes that we may see; our own do not count. */
    private boolean openElsewhere() throws IOException {
        final String real = target.toRealPath().toString();
        final String self = Long.toString(ProcessHandle.current().pid());
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (final Path process : processes) {
                if (!String.valueOf(process.getFileName()).equals(self) && hasOpen(process.resolve("fd"), real)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean hasOpen(final Path descriptors, final String file) {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(descriptors)) {
            for (final Path descriptor : all) {
                if (Files.readSymbolicLink(descriptor).toString().equals(file)) {
                    return true;
                }
            }
        } catch (final IOException | java.nio.file.DirectoryIteratorException e) {
            return false; // the process has ended, or is not ours to look at
        }
        return false;
    }

    private static long inode(final Path path) throws IOException {
        return Files.exists(path) ? ((Number) Files.getAttribute(path, "unix:ino")).longValue() : 0;
    }

    @Override
    public long cloneId() throws IOException {
        return inode(clone);
    }

    @Override
    public long targetId() throws IOException {
        return inode(target);
    }

    @Override
    public void publish() throws IOException {
        DurableFiles.publish(clone, target);
    }

    @Override
    public void discard() throws IOException {
        Files.deleteIfExists(clone);
    }

    @Override
    public TargetImage reopen() throws IOException {
        return Images.target(Locator.file(target.toString()), true);
    }
}
