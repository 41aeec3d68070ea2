package io.replicate.core.file;

import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The permissions of a file that a copy makes, as cp(1) chooses them: those of the source less the umask, so that a copy is
 * never open to more people than what it was made from. An image of a disk that only root and a group may read is so, too.
 *
 * @param bits as of chmod(2), without set-id and sticky bits.
 */
record NewMode(int bits) {
    private static final int PERMISSIONS = 0777;
    private static final int WITHOUT_SOURCE = 0644;
    private static final int DEFAULT_UMASK = 022;

    static NewMode of(final Target target) throws IOException {
        final Path source = target.source();
        final int mode = source == null ? WITHOUT_SOURCE : (Integer) Files.getAttribute(source, "unix:mode");
        return new NewMode(mode & PERMISSIONS & ~umask());
    }

    /** Only that of the process can be asked for without changing it: proc(5). */
    private static int umask() throws IOException {
        for (final String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("Umask:")) {
                return Integer.parseInt(line.substring("Umask:".length()).strip(), 8);
            }
        }
        return DEFAULT_UMASK;
    }
}
