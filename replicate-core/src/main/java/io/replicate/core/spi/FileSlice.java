package io.replicate.core.spi;

/**
 * A range of an open file, borrowed: the descriptor stays open and owned by whoever handed the slice out.
 *
 * @param fd the file descriptor.
 * @param offset in the file, in bytes.
 * @param length in bytes.
 */
public record FileSlice(int fd, long offset, long length) {}
