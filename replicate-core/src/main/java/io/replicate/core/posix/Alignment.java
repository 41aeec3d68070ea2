package io.replicate.core.posix;

import java.nio.ByteBuffer;

/** Alignment for O_DIRECT. */
public final class Alignment {
    /** Right for every common file system and device where the kernel does not say. */
    static final int DEFAULT = 4096;

    private static final int SMALLEST = 512;

    private Alignment() {}

    static int of(Posix posix, Fd fd, FileStat stat) throws PosixException {
        int told = stat.directAlignment();
        if (told <= 0 && stat.isBlockDevice()) {
            int number = fd.acquire();
            try {
                told = posix.blkSszGet(number);
            } finally {
                fd.release();
            }
        }
        return told > 0 && Integer.bitCount(told) == 1 ? Math.max(told, SMALLEST) : DEFAULT;
    }

    static long down(long value, int alignment) {
        return value & -alignment;
    }

    static long up(long value, int alignment) {
        return (value + alignment - 1) & -alignment;
    }

    /** Returns a direct buffer of {@code size} bytes whose first byte is at a multiple of {@link #DEFAULT}. */
    public static ByteBuffer buffer(int size) {
        int whole = (int) up(size, DEFAULT); // alignedSlice cuts the end to a multiple, too
        return ByteBuffer.allocateDirect(whole + DEFAULT).alignedSlice(DEFAULT).slice(0, size);
    }
}
