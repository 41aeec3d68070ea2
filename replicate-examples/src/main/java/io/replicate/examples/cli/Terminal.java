package io.replicate.examples.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a person watches, and what may be shown to one. */
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

    /** Returns a text that another machine sent, without the characters that move cursors, end lines or worse. */
    static String printable(final String text) {
        return text.replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u2028\\u2029]", "?");
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
