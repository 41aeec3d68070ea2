package io.replicate.ring.dolly;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What kind of thing a path names. */
final class Devices {
    private static final int FILE_TYPE = 0xF000;
    private static final int BLOCK_DEVICE = 0x6000;

    private Devices() {}

    static boolean isBlockDevice(final Path path) throws IOException {
        return Files.exists(path) && ((Integer) Files.getAttribute(path, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
    }

    /** Returns whether the path names a pipe, terminal or other thing that is only written in order. */
    static boolean isStream(final Path path) throws IOException {
        return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path) && !isBlockDevice(path);
    }
}
