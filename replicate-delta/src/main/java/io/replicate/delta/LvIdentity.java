package io.replicate.delta;

import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The uuid of the logical volume behind a device: it stays when the volume is renamed, so it names a generation. The
 * kernel shows it as {@code LVM-}, 32 characters of the group, 32 of the volume, and perhaps {@code -cow} or
 * {@code -real}. Source: sysfs-block-dm, and the uuids of lvm2.
 */
public final class LvIdentity {
    private static final String PREFIX = "LVM-";
    private static final int GROUP_CHARS = 32;
    private static final int VOLUME_CHARS = 32;

    private LvIdentity() {}

    /** Returns the uuid, or empty when the locator names no logical volume. */
    public static String of(final Locator locator) throws IOException {
        if (!"file".equals(locator.scheme())) {
            return "";
        }
        final Path path = Path.of(locator.rest());
        if (!Files.exists(path) || Files.isRegularFile(path) || Files.isDirectory(path)) {
            return "";
        }
        final String name = String.valueOf(path.toRealPath().getFileName());
        final Path uuid = Path.of("/sys/block").resolve(name).resolve("dm/uuid");
        return Files.isReadable(uuid)
                ? ofUuid(Files.readString(uuid, StandardCharsets.US_ASCII).strip())
                : "";
    }

    /** Returns the volume's part of a device-mapper uuid, or empty. */
    static String ofUuid(final String uuid) {
        final int from = PREFIX.length() + GROUP_CHARS;
        final boolean volume = uuid.startsWith(PREFIX) && uuid.length() >= from + VOLUME_CHARS;
        return volume ? uuid.substring(from, from + VOLUME_CHARS) : "";
    }
}
