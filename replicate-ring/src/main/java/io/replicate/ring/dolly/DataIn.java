package io.replicate.ring.dolly;

import io.replicate.core.spi.Link;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The data connections from the parent. With several, a block of a fixed length is read from each in turn. */
final class DataIn implements AutoCloseable {
    private static final int BUFFER_BYTES = 256 << 10;

    private final Link[] links;
    private final ByteBuffer[] buffers;
    private final int blockBytes;
    private final ByteBuffer begun;
    private long position;

    DataIn(final Link[] links, final int blockBytes) {
        this.links = links.clone();
        this.blockBytes = blockBytes;
        this.begun = ByteBuffer.allocate(0);
        this.buffers = new ByteBuffer[links.length > 1 ? links.length : 0];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);
        }
    }

    /**
     * Creates it for one connection.
     *
     * @param begun what has come on it already.
     */
    DataIn(final Link link, final ByteBuffer begun) {
        this.links = new Link[] {link};
        this.buffers = new ByteBuffer[0];
        this.blockBytes = 1;
        this.begun = begun;
    }

    void timeout(final Duration idle) {
        for (final Link link : links) {
            link.timeout(idle);
        }
    }

    /** Receives at least one byte; -1 when the stream has ended. */
    int receive(final ByteBuffer into) throws IOException {
        if (begun.hasRemaining()) {
            final int length = Math.min(begun.remaining(), into.remaining());
            into.put(begun.slice(begun.position(), length));
            begun.position(begun.position() + length);
            return length;
        }
        if (links.length == 1) {
            return links[0].receive(into);
        }
        final int begin = into.position();
        while (into.hasRemaining()) {
            final int link = (int) (position / blockBytes % links.length);
            final ByteBuffer from = buffers[link];
            if (!from.hasRemaining()) {
                if (into.position() > begin) {
                    break; // what there is, before a wait
                }
                from.clear();
                final int n;
                try {
                    n = links[link].receive(from);
                } finally {
                    from.flip();
                }
                if (n < 0) {
                    return -1;
                }
            }
            final int length =
                    (int) Math.min(Math.min(from.remaining(), into.remaining()), blockBytes - position % blockBytes);
            into.put(from.slice(from.position(), length));
            from.position(from.position() + length);
            position += length;
        }
        return into.position() - begin;
    }

    @Override
    public void close() {
        for (final Link link : links) {
            Threads.closeQuietly(link);
        }
    }
}
