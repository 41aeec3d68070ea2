package io.replicate.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a person watches. */
final class Terminal {
    private Terminal() {}

    /** Returns whether stderr is a terminal that can move its cursor. */
    static boolean onStderr() {
        return isTerminal(2);
    }

    /** Returns whether stdout is a terminal that can move its cursor. */
    static boolean onStdout() {
        return isTerminal(1);
    }

    private static boolean isTerminal(final int descriptor) {
        if ("dumb".equals(System.getenv("TERM"))) {
            return false;
        }
        try {
            final String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (final IOException e) {
            return false;
        }
    }
}
