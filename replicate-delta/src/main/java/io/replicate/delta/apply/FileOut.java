package io.replicate.delta.apply;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes a file of the state from its beginning. Used by one thread. */
final class FileOut implements WritableByteChannel {
    private final StateFile file;
    private long at;

    FileOut(final StateFile file) {
        this.file = file;
    }

    /** Returns how many bytes were written. */
    long position() {
        return at;
    }

    @Override
    public int write(final ByteBuffer from) throws IOException {
        final int n = from.remaining();
        file.write(at, from);
        at += n;
        return n;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
