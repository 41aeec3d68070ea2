package io.replicate.cas.keep;

import io.netty.buffer.ByteBuf;
import io.replicate.cas.internal.http.BodySink;
import io.replicate.core.block.Block;
import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;

/** Receives a block's bytes into its memory: the only copy between two sockets. Written by one event loop. */
final class BlockSink implements BodySink {
    private final String place;
    private final Block block;
    private final ByteBuffer space;

    BlockSink(final String place, final Block block) {
        this.place = place;
        this.block = block;
        this.space = block.space();
    }

    @Override
    public void begin(final long contentLength) throws ReplicationException {
        space.clear();
        if (contentLength > space.capacity()) {
            throw tooLong(contentLength);
        }
    }

    @Override
    public void data(final ByteBuf bytes) throws ReplicationException {
        final int length = bytes.readableBytes();
        if (length > space.remaining()) {
            throw tooLong((long) space.position() + length);
        }
        final ByteBuffer target = space.slice(space.position(), length);
        bytes.readBytes(target);
        space.position(space.position() + length);
    }

    private ReplicationException tooLong(final long length) {
        return ReplicationException.corrupt(
                place + ": a body of " + length + " bytes or more, " + block.capacity() + " expected at most");
    }

    /** Sets the block's length to what was received, and returns it. */
    int finish() {
        block.length(space.position());
        return space.position();
    }
}
