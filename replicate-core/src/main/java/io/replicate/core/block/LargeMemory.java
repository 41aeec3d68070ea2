package io.replicate.core.block;

import io.netty.util.internal.PlatformDependent;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Memory of large blocks, straight from the kernel: it asks for huge pages, of which a job touches hundreds where it would
 * touch tens of thousands, and it is filled with zeroes once, by the kernel, when it is used, and not by the JVM as well.
 */
final class LargeMemory {
    /** From this size on it pays: that of a huge page. */
    static final int MIN_BYTES = 2 << 20;

    /** How much at most: the JVM looks for garbage only when its own direct memory runs out, and that is taken then. */
    private static final long MOST_BYTES = PlatformDependent.estimateMaxDirectMemory() / 2;

    private static final AtomicLong MAPPED = new AtomicLong();
    private static final Cleaner CLEANER = Cleaner.create();

    private LargeMemory() {}

    /** Returns zeroed memory at a multiple of {@link #MIN_BYTES}, or null where the JVM's own is to be taken. */
    static @Nullable ByteBuffer allocate(final int capacity) {
        final ByteBuffer memory = MAPPED.addAndGet(capacity) > MOST_BYTES ? null : map(capacity);
        if (memory == null) {
            MAPPED.addAndGet(-capacity);
        }
        return memory;
    }

    private static @Nullable ByteBuffer map(final int capacity) {
        final Posix posix = Posix.get();
        final long length = (long) capacity + MIN_BYTES;
        final long mapped =
                posix.mmap(length, Linux.PROT_READ | Linux.PROT_WRITE, Linux.MAP_PRIVATE | Linux.MAP_ANONYMOUS, -1, 0);
        if (mapped < 0) {
            return null;
        }
        final long address = mapped + MIN_BYTES - 1 & -MIN_BYTES;
        // Whole ones only: the rest would take more memory than the block. Where there are none, pages do.
        posix.madvise(address, capacity & -MIN_BYTES, Linux.MADV_HUGEPAGE);
        final ByteBuffer memory = posix.bufferAt(address, capacity);
        CLEANER.register(memory, () -> {
            posix.munmap(mapped, length);
            MAPPED.addAndGet(-capacity);
        });
        return memory;
    }
}
