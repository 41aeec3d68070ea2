package io.replicate.core.file;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;

/**
 * When to go around the page cache (O_DIRECT).
 *
 * <p><b>Design note:</b> {@link #AUTO} is for what moves through once. Written through the cache, a large file waits for
 * write-back at its end: 0.2 to 0.7 GB/s where O_DIRECT had 1.2 to 3 GB/s on the same machine. A file that the cache
 * holds already is read from there, as that is faster still; any other is read around it, which saves a copy and leaves
 * the cache to others. A device is never read through the cache, which need not know what a file system or device-mapper
 * wrote below.
 */
enum DirectIo {
    NEVER,
    ALWAYS,
    /** For devices and large files. */
    AUTO;

    private static final String PARAMETER = "direct";
    private static final long LARGE_BYTES = 64L << 20;

    static DirectIo of(final boolean direct) {
        return direct ? ALWAYS : NEVER;
    }

    /** Returns what a locator's {@code direct} says, AUTO if it says nothing. */
    static DirectIo of(final Locator locator) throws ReplicationException {
        return locator.parameter(PARAMETER).isEmpty() ? AUTO : of(locator.flag(PARAMETER));
    }

    /** Returns whether to write a regular file directly. */
    boolean forFile(final Target target) {
        final long bytes = target.dataBytes() == Unit.UNKNOWN ? target.sizeBytes() : target.dataBytes();
        return this == ALWAYS || (this == AUTO && bytes >= LARGE_BYTES);
    }

    /** Returns whether to access a device directly. */
    boolean forDevice() {
        return this != NEVER;
    }

    /** Returns whether to read a regular file directly if the cache does not have it. */
    boolean forReading(final long sizeBytes) {
        return this == AUTO && sizeBytes >= LARGE_BYTES;
    }
}
