package io.replicate.delta;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** A channel whose first bytes can be looked at before they are read. Used by one thread. */
final class Peek implements ReadableByteChannel {
    private final ReadableByteChannel in;
    private ByteBuffer ahead = ByteBuffer.allocate(0);

    Peek(final ReadableByteChannel in) {
        this.in = in;
    }

    /** Returns up to {@code length} of the next bytes: fewer only at the end. */
    byte[] next(final int length) throws IOException {
        final ByteBuffer more = ByteBuffer.allocate(Math.max(length, ahead.remaining()));
        more.put(ahead);
        while (more.position() < length && in.read(more) >= 0) {
            // until there is enough
        }
        ahead = more.flip();
        final byte[] bytes = new byte[Math.min(length, ahead.remaining())];
        ahead.duplicate().get(bytes);
        return bytes;
    }

    @Override
    public int read(final ByteBuffer into) throws IOException {
        if (!ahead.hasRemaining()) {
            return in.read(into);
        }
        final int n = Math.min(ahead.remaining(), into.remaining());
        into.put(ahead.slice(ahead.position(), n));
        ahead.position(ahead.position() + n);
        return n;
    }

    @Override
    public boolean isOpen() {
        return in.isOpen();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
