package io.replicate.core.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Tells one block device from another that gets its name later. A serial number or UUID lasts; where there is none, the
 * kernel's count of attachments does until the next boot. Source: Documentation/ABI/stable/sysfs-block.
 */
final class DeviceIdentity {
    /** Below the device's directory in sysfs, best first. */
    private static final String[] LASTING = {"wwid", "device/wwid", "dm/uuid", "md/uuid", "device/serial", "serial"};

    private final Path proc;
    private final Path sys;

    DeviceIdentity(final Path proc, final Path sys) {
        this.proc = proc;
        this.sys = sys;
    }

    /** Returns the identity of a device as a line of text, or empty when nothing tells it apart. */
    static String of(final Path device) throws IOException {
        return new DeviceIdentity(Path.of("/proc"), Path.of("/sys")).ofNumber(DeviceUse.numberOf(device));
    }

    /** As {@link #of}, for a device number {@code major:minor}. */
    String ofNumber(final String number) throws IOException {
        final Path link = sys.resolve("dev/block").resolve(number);
        if (!Files.exists(link)) {
            return "";
        }
        Path device = link.toRealPath();
        String partition = text(device.resolve("partition"));
        if (!partition.isEmpty()) {
            partition = " partition " + partition + " at " + text(device.resolve("start"));
            device = device.resolve("..").normalize();
        }
        for (final String name : LASTING) {
            final String value = text(device.resolve(name));
            if (!value.isEmpty()) {
                return name + " " + value + partition;
            }
        }
        final String sequence = text(device.resolve("diskseq"));
        final String boot = text(proc.resolve("sys/kernel/random/boot_id"));
        return sequence.isEmpty() || boot.isEmpty() ? "" : "boot " + boot + " diskseq " + sequence + partition;
    }

    private static String text(final Path file) {
        try {
            return Files.isRegularFile(file)
                    ? Files.readString(file, StandardCharsets.ISO_8859_1).strip()
                    : "";
        } catch (final IOException e) {
            return ""; // some attributes exist and cannot be read
        }
    }
}
