package io.replicate.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a person watches. */
final class Terminal {
    private Terminal() {}

    /** Returns whether stderr is a terminal that can move its cursor. */
    static boolean onStderr() {
        if ("dumb".equals(System.getenv("TERM"))) {
            return false;
        }
        try {
            final String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (final IOException e) {
            return false;
        }
    }
}
