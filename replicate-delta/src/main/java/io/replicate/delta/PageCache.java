package io.replicate.delta;

import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.FileSlice;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Whether a file is in memory. */
final class PageCache {
    /** One place in so many may have to be waited for. */
    private static final int ONE_IN = 16;

    private PageCache() {}

    /** Returns whether what is at these offsets of a file is in memory, nearly everywhere; no file has nothing. */
    static boolean has(final @Nullable FileSlice file, final long[] offsets) {
        if (file == null) {
            return false;
        }
        final ByteBuffer one = ByteBuffer.allocateDirect(1);
        int missing = 0;
        for (final long offset : offsets) {
            // Where a file system does not know RWF_NOWAIT this fails.
            final long n = Posix.get()
                    .preadv2(file.fd(), Posix.get().addressOf(one), 1, file.offset() + offset, Linux.RWF_NOWAIT);
            missing += n == 1 ? 0 : 1;
        }
        return offsets.length > 0 && missing <= offsets.length / ONE_IN;
    }
}
