package io.replicate.delta.apply;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** Reads a file of the state from its beginning. Used by one thread. */
final class FileIn implements ReadableByteChannel {
    private final StateFile file;
    private final long end;
    private long at;

    FileIn(final StateFile file) throws IOException {
        this(file, file.size());
    }

    FileIn(final StateFile file, final long end) {
        this.file = file;
        this.end = end;
    }

    @Override
    public int read(final ByteBuffer into) throws IOException {
        final int n = (int) Math.min(into.remaining(), end - at);
        if (n == 0) {
            return -1;
        }
        final int limit = into.limit();
        file.read(at, into.limit(into.position() + n));
        into.limit(limit);
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
