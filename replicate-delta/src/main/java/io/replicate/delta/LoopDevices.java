package io.replicate.delta;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a file is the storage of a loop device: then the system may have it mounted. Source: sysfs-block-loop. */
final class LoopDevices {
    private static final Path SYS_BLOCK = Path.of("/sys/block");

    private LoopDevices() {}

    static void requireUnused(final Path file) throws IOException {
        if (!Files.isRegularFile(file) || !Files.isDirectory(SYS_BLOCK)) {
            return;
        }
        final String real = file.toRealPath().toString();
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(SYS_BLOCK, "loop*")) {
            for (final Path device : devices) {
                final Path backing = device.resolve("loop/backing_file");
                if (Files.isReadable(backing)
                        && Files.readString(backing, StandardCharsets.UTF_8)
                                .strip()
                                .equals(real)) {
                    throw ReplicationException.misuse(file + ": is in use as /dev/" + device.getFileName()
                            + ", and may be mounted there: unmount it and run 'losetup -d' first, or --force");
                }
            }
        }
    }
}
