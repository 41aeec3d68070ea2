package io.replicate.core.file;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a copy would overwrite what it reads: source and target are one file (also by a second name), one device, or one
 * lies in the other, as a partition, a loop device over a file, or a device-mapper device. Source: the kernel's
 * Documentation/ABI/testing/sysfs-block (partition, slaves) and drivers/block/loop.c (loop/backing_file).
 */
public final class SameStorage {
    private final Path sys;

    SameStorage(final Path sys) {
        this.sys = sys;
    }

    static SameStorage system() {
        return new SameStorage(Path.of("/sys"));
    }

    /** Returns whether writing a file or device that exists would overwrite what is read from another. */
    public static boolean overlap(final Path source, final Path target) throws IOException {
        return system().overlap(source, target, TargetPath.kindOf(target)).isPresent();
    }

    /** Refuses a target that is the source, or that one of them lies in. */
    void requireApart(final Path source, final TargetPath target) throws IOException {
        final Optional<String> overlap = overlap(source, target.path(), target.kind());
        if (overlap.isPresent()) {
            throw ReplicationException.misuse(target.path() + ": " + overlap.get() + "; name another target");
        }
    }

    private Optional<String> overlap(final Path source, final Path target, final TargetPath.Kind kind)
            throws IOException {
        if (kind != TargetPath.Kind.FILE && kind != TargetPath.Kind.DEVICE) {
            return Optional.empty();
        }
        final String from = idOf(source);
        final String to = idOf(target);
        if (from.equals(to)) {
            return Optional.of("is the source itself (" + source + ")");
        }
        if (below(source).contains(to)) {
            return Optional.of("the source " + source + " lies in it and would be overwritten");
        }
        // A file target is a new file: it may well lie on the device that is copied.
        return kind == TargetPath.Kind.DEVICE && below(target).contains(from)
                ? Optional.of("lies in the source " + source)
                : Optional.empty();
    }

    /** Returns what a file or device lies in, directly or not. */
    private Set<String> below(final Path path) throws IOException {
        final Set<String> found = new LinkedHashSet<>();
        if (TargetPath.kindOf(path) == TargetPath.Kind.DEVICE) {
            belowDevice(DeviceUse.numberOf(path), found);
        } else {
            belowFile(path, found);
        }
        return found;
    }

    private void belowFile(final Path path, final Set<String> found) throws IOException {
        final String device = DeviceUse.number(((Number) Files.getAttribute(path, "unix:dev")).longValue());
        if (found.add(device)) {
            belowDevice(device, found);
        }
    }

    private void belowDevice(final String number, final Set<String> found) throws IOException {
        final Path link = sys.resolve("dev/block").resolve(number);
        if (!Files.exists(link)) {
            return; // a file system without a device of its own
        }
        final Path directory = link.toRealPath();
        if (Files.exists(directory.resolve("partition"))) {
            add(Files.readString(directory.resolve("../dev")).strip(), found);
        }
        final Path slaves = directory.resolve("slaves");
        if (Files.isDirectory(slaves)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(slaves)) {
                for (final Path slave : entries) {
                    add(Files.readString(slave.resolve("dev")).strip(), found);
                }
            }
        }
        final Path loop = directory.resolve("loop/backing_file");
        if (Files.exists(loop)) {
            final Path backing = Path.of(Files.readString(loop).strip());
            if (Files.exists(backing) && found.add(idOf(backing))) {
                found.addAll(below(backing));
            }
        }
    }

    private void add(final String number, final Set<String> found) throws IOException {
        if (found.add(number)) {
            belowDevice(number, found);
        }
    }

    /** Returns {@code major:minor} of a device, and {@code device/inode} of a file. */
    private static String idOf(final Path path) throws IOException {
        return TargetPath.kindOf(path) == TargetPath.Kind.DEVICE
                ? DeviceUse.numberOf(path)
                : Files.getAttribute(path, "unix:dev") + "/" + Files.getAttribute(path, "unix:ino");
    }
}
