package io.replicate.core.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the system uses a block device, or one of its partitions, for. Sources: proc(5) for mountinfo and swaps, the
 * kernel's Documentation/ABI/stable/sysfs-block for partitions and holders.
 */
final class DeviceUse {
    private static final int MOUNT_DEVICE = 2;
    private static final int MOUNT_POINT = 4;

    private final Path proc;
    private final Path sys;

    DeviceUse(final Path proc, final Path sys) {
        this.proc = proc;
        this.sys = sys;
    }

    static DeviceUse system() {
        return new DeviceUse(Path.of("/proc"), Path.of("/sys"));
    }

    /** Returns in a user's words what uses the device and how to end that, or empty. */
    Optional<String> of(final Path device) throws IOException {
        return of(numberOf(device));
    }

    /** As {@link #of(Path)}, for a device number {@code major:minor}. */
    Optional<String> of(final String number) throws IOException {
        for (final String part : withPartitions(number)) {
            final String which = part.equals(number) ? "is" : "its partition " + nameOf(part) + " is";
            final Optional<String> mount = mountPointOf(part);
            if (mount.isPresent()) {
                return Optional.of(which + " mounted on " + mount.get() + "; unmount it first");
            }
            if (isSwap(part)) {
                return Optional.of(which + " active swap; swapoff it first");
            }
            final List<String> holders = list(sysfs(part).resolve("holders"));
            if (!holders.isEmpty()) {
                return Optional.of(which + " in use by " + String.join(", ", holders)
                        + " (LVM, RAID or encryption); stop that first");
            }
        }
        return Optional.empty();
    }

    /** Returns whether the kernel takes no writes to the device: it opens one for writing all the same. */
    boolean isReadOnly(final Path device) throws IOException {
        return isReadOnly(numberOf(device));
    }

    /** As {@link #isReadOnly(Path)}, for a device number {@code major:minor}. */
    boolean isReadOnly(final String number) throws IOException {
        return lines(sysfs(number).resolve("ro")).contains("1");
    }

    private Optional<String> mountPointOf(final String number) throws IOException {
        for (final String line : lines(proc.resolve("self/mountinfo"))) {
            final String[] fields = line.split(" ");
            if (fields.length <= MOUNT_POINT) {
                continue;
            }
            if (fields[MOUNT_DEVICE].equals(number) || number.equals(mountSource(line))) {
                return Optional.of(unescape(fields[MOUNT_POINT]));
            }
        }
        return Optional.empty();
    }

    /** File systems over several devices (btrfs) show a number of their own: then the source's name tells. */
    private static String mountSource(final String line) {
        final int dash = line.indexOf(" - ");
        final String[] tail =
                dash < 0 ? new String[0] : line.substring(dash + 3).split(" ");
        return tail.length > 1 && tail[1].startsWith("/") ? numberOrNone(Path.of(unescape(tail[1]))) : "";
    }

    private boolean isSwap(final String number) throws IOException {
        for (final String line : lines(proc.resolve("swaps"))) {
            final String name = line.split("[ \t]")[0];
            if (name.startsWith("/") && number.equals(numberOrNone(Path.of(unescape(name))))) {
                return true;
            }
        }
        return false;
    }

    private List<String> withPartitions(final String number) throws IOException {
        final List<String> numbers = new ArrayList<>(List.of(number));
        for (final String name : list(sysfs(number))) {
            final Path partition = sysfs(number).resolve(name);
            if (Files.exists(partition.resolve("partition"))) {
                numbers.addAll(lines(partition.resolve("dev")));
            }
        }
        return numbers;
    }

    private String nameOf(final String number) throws IOException {
        final Path link = sysfs(number);
        return String.valueOf(Files.exists(link) ? link.toRealPath().getFileName() : link.getFileName());
    }

    private Path sysfs(final String number) {
        return sys.resolve("dev/block").resolve(number);
    }

    private static List<String> lines(final Path file) throws IOException {
        return Files.isReadable(file) ? Files.readAllLines(file, StandardCharsets.UTF_8) : List.of();
    }

    private static List<String> list(final Path directory) throws IOException {
        final List<String> names = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
                entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
            }
        }
        return names;
    }

    /** Returns {@code major:minor} of a device node, split as glibc's gnu_dev_major(3) does. */
    static String numberOf(final Path device) throws IOException {
        return number(((Number) Files.getAttribute(device, "unix:rdev")).longValue());
    }

    static String number(final long dev) {
        final long major = ((dev >>> 8) & 0xFFF) | ((dev >>> 32) & 0xFFFF_F000L);
        final long minor = (dev & 0xFF) | ((dev >>> 12) & 0xFFFF_FF00L);
        return major + ":" + minor;
    }

    private static String numberOrNone(final Path path) {
        try {
            return TargetPath.kindOf(path) == TargetPath.Kind.DEVICE ? numberOf(path) : "";
        } catch (final IOException e) {
            return "";
        }
    }

    /** Spaces and the like are octal escapes there: {@code \040}. */
    private static String unescape(final String field) {
        final StringBuilder text = new StringBuilder(field.length());
        for (int i = 0; i < field.length(); i++) {
            final boolean escape = field.charAt(i) == '\\' && i + 3 < field.length();
            text.append(escape ? (char) Integer.parseInt(field.substring(i + 1, i + 4), 8) : field.charAt(i));
            i += escape ? 3 : 0;
        }
        return text.toString();
    }
}
