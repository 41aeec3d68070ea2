package io.replicate.delta.cow;

import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** An array as random bytes, and as a channel that gives a few bytes at a time. */
public record Bytes(byte[] array) implements RandomBytes {

    @Override
    public long size() {
        return array.length;
    }

    @Override
    public void read(final long offset, final ByteBuffer into) {
        into.put(array, (int) offset, into.remaining());
    }

    /** Returns a channel that gives at most {@code atOnce} bytes per read. */
    public static ReadableByteChannel channel(final byte[] bytes, final int atOnce) {
        return new ReadableByteChannel() {
            private int at;

            @Override
            public int read(final ByteBuffer into) {
                if (at == bytes.length) {
                    return -1;
                }
                final int n = Math.min(Math.min(atOnce, into.remaining()), bytes.length - at);
                into.put(bytes, at, n);
                at += n;
                return n;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        };
    }
}
