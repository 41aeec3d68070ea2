package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Cuts off what a child has already of a data frame. It is needed once when a child changes its parent, and only where
 * the two had cut the volume in different places; so it takes no block of the pool.
 */
final class FrameTail {

    private FrameTail() {}

    /** Returns the part of a frame from {@code from} on, not compressed; takes over the frame. */
    static Frame of(final Frame frame, final long from) throws IOException {
        try {
            final @Nullable Block payload = frame.payload();
            if (payload == null || frame.extentLength() > Integer.MAX_VALUE) {
                return frame.tail(from);
            }
            final ByteBuffer raw = raw(frame, payload);
            raw.position(Math.toIntExact(from - frame.position()));
            final Block tail = Block.unpooled(raw.remaining());
            tail.space().put(raw);
            tail.length(tail.capacity());
            return FrameMaker.of(from, tail, new CRC32C());
        } finally {
            frame.release();
        }
    }

    private static ByteBuffer raw(final Frame frame, final Block payload) throws ReplicationException {
        final int method = frame.flags() & FrameHeader.COMPRESSION_MASK;
        if (method == Compression.NONE) {
            return payload.bytes();
        }
        final ByteBuffer raw = ByteBuffer.allocateDirect((int) frame.extentLength());
        new Compression().decompress(method, payload.bytes(), raw.duplicate());
        return raw;
    }
}
