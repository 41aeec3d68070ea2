package io.replicate.delta.apply;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** One channel after another. Used by one thread. */
record Spliced(ReadableByteChannel first, ReadableByteChannel second) implements ReadableByteChannel {

    @Override
    public int read(final ByteBuffer into) throws IOException {
        final int n = first.read(into);
        return n < 0 ? second.read(into) : n;
    }

    @Override
    public boolean isOpen() {
        return second.isOpen();
    }

    @Override
    public void close() throws IOException {
        second.close();
    }
}
