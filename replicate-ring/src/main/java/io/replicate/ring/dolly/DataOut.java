package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Link;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The data connections to one child. With several, blocks of a fixed length go round robin over them. */
final class DataOut implements AutoCloseable {
    private final Link[] links;
    private final int blockBytes;
    private long position;

    DataOut(final Link[] links, final int blockBytes) {
        this.links = links;
        this.blockBytes = blockBytes;
    }

    void timeout(final Duration idle) {
        for (final Link link : links) {
            link.timeout(idle);
        }
    }

    /** Sends a block and releases it. */
    void send(final Block block) throws IOException {
        if (links.length == 1) {
            links[0].send(block);
            return;
        }
        try {
            // strictly in turn: a peer that reads one block from each would wait for us, and we for it
            final ByteBuffer bytes = block.bytes();
            for (int at = 0; at < bytes.limit(); ) {
                final int length = (int) Math.min(blockBytes - position % blockBytes, bytes.limit() - at);
                links[(int) (position / blockBytes % links.length)].send(bytes.slice(at, length));
                position += length;
                at += length;
            }
        } finally {
            block.release();
        }
    }

    /** Ends the stream, as dolly's server does behind the end mark. */
    void shutdown() throws IOException {
        for (final Link link : links) {
            link.shutdownOutput();
        }
    }

    @Override
    public void close() {
        for (final Link link : links) {
            Threads.closeQuietly(link);
        }
    }
}
