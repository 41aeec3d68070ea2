package io.replicate.delta;

import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Whether a file is in memory. */
final class PageCache {
    /** One place in so many may have to be waited for. */
    private static final int ONE_IN = 16;

    private PageCache() {}

    /** Opens a file once more when what is at these offsets is in memory, nearly everywhere; else returns null. */
    static @Nullable FileChannel open(final int fd, final long[] offsets) throws IOException {
        final ByteBuffer one = ByteBuffer.allocateDirect(1);
        int missing = 0;
        for (final long offset : offsets) {
            // A file system that does not know RWF_NOWAIT fails, and is read.
            missing += Posix.get().preadv2(fd, Posix.get().addressOf(one), 1, offset, Linux.RWF_NOWAIT) == 1 ? 0 : 1;
        }
        if (offsets.length == 0 || missing > offsets.length / ONE_IN) {
            return null;
        }
        try {
            return FileChannel.open(Path.of("/proc/self/fd/" + fd), StandardOpenOption.READ);
        } catch (final NoSuchFileException e) {
            return null; // no /proc here
        }
    }
}
