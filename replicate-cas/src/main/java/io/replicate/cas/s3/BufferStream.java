package io.replicate.cas.s3;

import java.io.InputStream;
import java.nio.ByteBuffer;

/** Reads a buffer; the SDK opens a new one for each attempt. Used by one thread. */
final class BufferStream extends InputStream {
    private final ByteBuffer bytes;

    BufferStream(final ByteBuffer bytes) {
        this.bytes = bytes;
    }

    @Override
    public int read() {
        return bytes.hasRemaining() ? bytes.get() & 0xff : -1;
    }

    @Override
    public int read(final byte[] into, final int offset, final int length) {
        if (!bytes.hasRemaining()) {
            return -1;
        }
        final int n = Math.min(length, bytes.remaining());
        bytes.get(into, offset, n);
        return n;
    }

    @Override
    public int available() {
        return bytes.remaining();
    }
}
