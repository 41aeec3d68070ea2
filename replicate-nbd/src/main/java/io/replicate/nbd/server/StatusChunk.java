package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.core.spi.Extent;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.ReplyCodec;

/**
 * Writes one block status chunk: neighbours of equal status become one descriptor, borders are moved to multiples of the
 * minimum block size (a block that is partly of another status has none), and there is always at least one descriptor.
 */
final class StatusChunk {
    private final ByteBuf to;
    private final boolean extended;
    private final int minBlock;
    private final long end;
    private final int limit;
    private long written;
    private long runEnd;
    private int runFlags;
    private int count;
    private int header;

    /**
     * @param from the first byte described.
     * @param end behind the last byte that may be described.
     * @param limit the most descriptors.
     */
    StatusChunk(ByteBuf to, boolean extended, int minBlock, long from, long end, int limit) {
        this.to = to;
        this.extended = extended;
        this.minBlock = minBlock;
        this.written = from;
        this.runEnd = from;
        this.end = end;
        this.limit = limit;
    }

    void begin(Operation op, int contextId, boolean done) {
        header = to.writerIndex();
        final int type = extended ? Nbd.REPLY_BLOCK_STATUS_EXT : Nbd.REPLY_BLOCK_STATUS;
        ReplyCodec.chunk(to, extended, done, type, op.cookie, op.requestOffset, 0);
        to.writeInt(contextId);
        if (extended) {
            to.writeInt(0);
        }
    }

    /** Takes the next extent, in order and without gaps. */
    void add(Extent extent, int flags) {
        long upTo = Math.min(extent.end(), end);
        if (upTo <= runEnd || count >= limit) {
            return;
        }
        if (runEnd == written) {
            runFlags = flags;
        } else if (flags != runFlags) {
            final long border = runEnd & -minBlock;
            if (border != runEnd) {
                // the block across the border is of both kinds: it has no status of its own
                splitBlock(border, flags, upTo);
                return;
            }
            put(runEnd);
            runFlags = flags;
        }
        runEnd = upTo;
    }

    private void splitBlock(long border, int flags, long upTo) {
        if (border > written) {
            put(border);
        }
        runFlags = 0;
        final long next = border + minBlock;
        runEnd = Math.min(next, end);
        if (upTo > next) {
            if (flags != 0) {
                put(next);
            }
            runFlags = flags;
            runEnd = upTo;
        }
    }

    private void put(long upTo) {
        if (count >= limit || upTo <= written) {
            return;
        }
        if (extended) {
            to.writeLong(upTo - written).writeLong(runFlags);
        } else {
            to.writeInt((int) (upTo - written)).writeInt(runFlags);
        }
        written = upTo;
        count++;
    }

    /** Writes the last descriptor and the lengths that were not known before. */
    void end() {
        put(runEnd == end ? end : Math.max(runEnd & -minBlock, Math.min(end, written + minBlock)));
        if (count == 0) {
            throw new IllegalStateException("nothing is known at offset " + written);
        }
        final int length = to.writerIndex() - header - ReplyCodec.chunkHeader(extended);
        if (extended) {
            to.setLong(header + Nbd.EXTENDED_REPLY_HEADER - Long.BYTES, length);
            to.setInt(header + Nbd.EXTENDED_REPLY_HEADER + Integer.BYTES, count);
        } else {
            to.setInt(header + Nbd.STRUCTURED_REPLY_HEADER - Integer.BYTES, length);
        }
    }
}
