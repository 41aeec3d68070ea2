package io.replicate.core.posix;

import java.nio.ByteBuffer;
import java.util.Random;

/** Page-aligned memory with an address. */
final class Memory {
    private final ByteBuffer buffer;

    Memory(int size) {
        buffer = Alignment.buffer(size);
    }

    static Memory random(int size, long seed) {
        Memory memory = new Memory(size);
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        memory.buffer.put(0, bytes);
        return memory;
    }

    long address() {
        return Posix.get().addressOf(buffer);
    }

    int size() {
        return buffer.capacity();
    }

    ByteBuffer buffer() {
        return buffer;
    }

    byte[] bytes() {
        return bytes(0, size());
    }

    byte[] bytes(int offset, int length) {
        byte[] copy = new byte[length];
        buffer.get(offset, copy);
        return copy;
    }
}
