package io.replicate.core.net;

import io.replicate.core.posix.Posix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The array of {@code struct iovec} for writev(2), for 64-bit machines. Not safe for use by several threads. */
final class IoVectors {
    private static final int CAPACITY = 64;
    private static final int ENTRY_BYTES = 16;
    private static final int LENGTH_OFFSET = 8;

    private final ByteBuffer memory =
            ByteBuffer.allocateDirect(CAPACITY * ENTRY_BYTES).order(ByteOrder.nativeOrder());
    private final long address;
    private int first;
    private int end;

    IoVectors(final Posix posix) {
        address = posix.addressOf(memory);
    }

    void clear() {
        first = 0;
        end = 0;
    }

    boolean isFull() {
        return end == CAPACITY;
    }

    /** Adds a run of bytes; an empty one changes nothing. */
    void add(final long base, final long length) {
        if (length > 0) {
            memory.putLong(end * ENTRY_BYTES, base);
            memory.putLong(end * ENTRY_BYTES + LENGTH_OFFSET, length);
            end++;
        }
    }

    /** Returns how many runs are left. */
    int count() {
        return end - first;
    }

    /** Returns the address of the array, from the first run that is left. */
    long address() {
        return address + (long) first * ENTRY_BYTES;
    }

    /** Returns the address of the first run that is left. */
    long firstBase() {
        return memory.getLong(first * ENTRY_BYTES);
    }

    /** Returns the length of the first run that is left, in bytes. */
    long firstLength() {
        return memory.getLong(first * ENTRY_BYTES + LENGTH_OFFSET);
    }

    /** Takes away the first {@code bytes}. */
    void consume(final long bytes) {
        long left = bytes;
        while (left > 0) {
            final long length = firstLength();
            if (left < length) {
                memory.putLong(first * ENTRY_BYTES, firstBase() + left);
                memory.putLong(first * ENTRY_BYTES + LENGTH_OFFSET, length - left);
                return;
            }
            left -= length;
            first++;
        }
    }
}
