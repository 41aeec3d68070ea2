package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.bitmap.DirtyBitmap;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReplyCodec;
import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Executes checked requests on the medium and writes the replies that carry data. Safe for use by any thread. */
final class Commands {
    private static final Logger LOG = LoggerFactory.getLogger(Commands.class);

    /** Holes shorter than this are sent as data: a chunk costs as much as they save. */
    private static final int MIN_HOLE = 4096;

    private static final int MAX_CHUNKS = 64;
    /** Descriptors in one status reply; clients ask again for the rest. */
    private static final int MAX_STATUS_EXTENTS = 1 << 16;

    private static final Set<Volume.Flag> NO_FLAGS = Set.of();
    private static final Set<Volume.Flag> FUA = Set.of(Volume.Flag.FUA);

    private final Medium medium;
    private final Negotiated negotiated;

    Commands(Negotiated negotiated) {
        this.negotiated = negotiated;
        this.medium = negotiated.export().medium();
    }

    /** Executes an operation; a failure is noted in it. */
    void perform(Operation op) {
        try {
            execute(op);
        } catch (final IOException | RuntimeException | OutOfMemoryError e) {
            int error = NbdError.of(e);
            if (error == NbdError.ENOTSUP && !op.has(Nbd.CMD_FLAG_FAST_ZERO)) {
                error = NbdError.EIO;
            }
            op.fail(
                    error,
                    Nbd.commandName(op.type) + " offset=" + op.offset + " length=" + op.length + ": "
                            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()));
            if (error != NbdError.ENOTSUP) {
                LOG.warn("{}: {}", negotiated.export(), op.reason());
            }
        }
    }

    private void execute(Operation op) throws IOException {
        switch (op.type) {
            case Nbd.CMD_READ -> {
                if (op.stream == null) {
                    reply(op, data(op));
                } else if (negotiated.chunked() && !op.has(Nbd.CMD_FLAG_DF)) {
                    sparse(op, data(op), false);
                } else {
                    medium.read(op.offset, (int) op.length, data(op));
                }
            }
            case Nbd.CMD_WRITE -> {
                final ByteBuf from = data(op);
                medium.write(op.offset, from, from.readerIndex(), from.readableBytes(), durability(op));
            }
            case Nbd.CMD_FLUSH -> medium.flush();
            case Nbd.CMD_TRIM -> {
                if (op.length > 0) {
                    medium.trim(op.offset, op.length, durability(op));
                }
            }
            case Nbd.CMD_WRITE_ZEROES -> {
                if (op.length > 0) {
                    medium.zero(op.offset, op.length, zeroFlags(op));
                }
            }
            case Nbd.CMD_CACHE -> {
                if (op.length > 0) {
                    medium.cache(op.offset, op.length);
                }
            }
            case Nbd.CMD_BLOCK_STATUS -> status(op, data(op));
            default -> throw new IllegalStateException(Nbd.commandName(op.type));
        }
    }

    private static ByteBuf data(Operation op) {
        if (op.data == null) {
            throw new IllegalStateException(Nbd.commandName(op.type) + " without a buffer");
        }
        return op.data;
    }

    private Set<Volume.Flag> durability(Operation op) {
        return op.has(Nbd.CMD_FLAG_FUA) || negotiated.oldstyle() ? FUA : NO_FLAGS;
    }

    private static Set<Volume.Flag> zeroFlags(Operation op) {
        final EnumSet<Volume.Flag> flags = EnumSet.noneOf(Volume.Flag.class);
        if (op.has(Nbd.CMD_FLAG_FUA)) {
            flags.add(Volume.Flag.FUA);
        }
        if (op.has(Nbd.CMD_FLAG_NO_HOLE)) {
            flags.add(Volume.Flag.NO_HOLE);
        }
        if (op.has(Nbd.CMD_FLAG_FAST_ZERO)) {
            flags.add(Volume.Flag.FAST);
        }
        return flags;
    }

    /** Appends the whole reply to a read: everything, or after a failure nothing. May wait. */
    private void reply(Operation op, ByteBuf to) throws IOException {
        final int start = to.writerIndex();
        try {
            if (!negotiated.chunked()) {
                ReplyCodec.simple(to, NbdError.OK, op.cookie);
                medium.read(op.offset, (int) op.length, to);
            } else if (op.has(Nbd.CMD_FLAG_DF) || medium.isKnownData(op.offset, op.length)) {
                chunk(op, to, true, op.offset, (int) op.length);
            } else {
                sparse(op, to, true);
            }
        } catch (final IOException | RuntimeException e) {
            to.writerIndex(start);
            throw e;
        }
    }

    private void chunk(Operation op, ByteBuf to, boolean done, long offset, int length) throws IOException {
        ReplyCodec.data(to, negotiated.extended(), done, op.cookie, op.requestOffset, offset, length);
        to.ensureWritable(length);
        medium.read(offset, length, to);
    }

    /** Appends data and hole chunks, the last one marked as such if it is. */
    private void sparse(Operation op, ByteBuf to, boolean done) throws IOException {
        final long end = op.offset + op.length;
        final List<Extent> extents = medium.look(op.offset, op.length, MAX_CHUNKS);
        long at = op.offset;
        long dataFrom = at;
        int chunks = 0;
        for (final Extent extent : extents) {
            final long from = Math.max(extent.offset(), at);
            final long upTo = Math.min(extent.end(), end);
            if (upTo <= from) {
                continue;
            }
            at = upTo;
            if (extent.hasData() || upTo - from < MIN_HOLE || chunks >= MAX_CHUNKS) {
                continue;
            }
            if (from > dataFrom) {
                chunk(op, to, false, dataFrom, (int) (from - dataFrom));
                chunks++;
            }
            ReplyCodec.hole(to, negotiated.extended(), done && upTo == end, op.cookie, op.requestOffset, from, (int)
                    (upTo - from));
            chunks++;
            dataFrom = upTo;
        }
        if (dataFrom < end) {
            chunk(op, to, done, dataFrom, (int) (end - dataFrom));
        }
    }

    /** Appends one status chunk for each context that the request concerns. */
    private void status(Operation op, ByteBuf to) throws IOException {
        final boolean one = op.has(Nbd.CMD_FLAG_REQ_ONE);
        final ByteBuf chosen = to.readableBytes() > 0 ? to.readRetainedSlice(to.readableBytes()) : null;
        final int start = to.writerIndex();
        to.readerIndex(start);
        try {
            Negotiated.@Nullable Context before = null;
            for (final Negotiated.Context context : negotiated.contexts()) {
                if (chosen == null || isChosen(chosen, context.id())) {
                    if (before != null) {
                        statusChunk(op, to, before, one, false);
                    }
                    before = context;
                }
            }
            if (before != null) {
                statusChunk(op, to, before, one, true);
            }
        } catch (final IOException | RuntimeException e) {
            to.writerIndex(start);
            throw e;
        } finally {
            if (chosen != null) {
                chosen.release();
            }
        }
    }

    private static boolean isChosen(ByteBuf ids, int id) {
        for (int i = ids.readerIndex(); i + Integer.BYTES <= ids.writerIndex(); i += Integer.BYTES) {
            if (ids.getInt(i) == id) {
                return true;
            }
        }
        return false;
    }

    private void statusChunk(Operation op, ByteBuf to, Negotiated.Context context, boolean one, boolean done)
            throws IOException {
        final DirtyBitmap bitmap = context.bitmap();
        final int limit = one ? 1 : MAX_STATUS_EXTENTS;
        if (bitmap != null && negotiated.export().volume().find(bitmap.name()).orElse(null) != bitmap) {
            throw new IllegalArgumentException("bitmap '" + bitmap.name() + "' was removed");
        }
        final List<Extent> extents = bitmap != null
                ? bitmap.runs(op.offset, op.length, limit)
                : medium.volume().extents(op.offset, op.length, one ? 2 : limit);
        final StatusChunk chunk =
                new StatusChunk(to, negotiated.extended(), medium.minBlock(), op.offset, op.offset + op.length, limit);
        chunk.begin(op, context.id(), done);
        for (final Extent extent : extents) {
            chunk.add(extent, bitmap != null ? dirtyFlags(extent) : allocationFlags(extent));
        }
        chunk.end();
    }

    private static int dirtyFlags(Extent run) {
        return run.hasData() ? Nbd.STATE_DIRTY : 0;
    }

    private static int allocationFlags(Extent extent) {
        return switch (extent.kind()) {
            case DATA -> 0;
            case ZERO -> Nbd.STATE_ZERO;
            case HOLE -> Nbd.STATE_HOLE | Nbd.STATE_ZERO;
        };
    }
}
