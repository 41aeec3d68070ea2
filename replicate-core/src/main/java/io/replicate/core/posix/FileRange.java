package io.replicate.core.posix;

/**
 * A run of bytes in a file.
 *
 * @param offset of the first byte
 * @param length in bytes
 */
public record FileRange(long offset, long length) {
    /** Returns the offset of the first byte after the run. */
    public long end() {
        return offset + length;
    }
}
