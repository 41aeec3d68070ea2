package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that follow a request's header: a write's data, the context ids of a block status, or what belongs to a
 * request that is refused. Longer ones than a piece pass through memory piece by piece. Used by the channel's event loop
 * only.
 */
@SuppressWarnings("ReferenceEquality") // buffers are told apart by identity
final class Upload {
    /** The longest write that an event loop does itself, in bytes. */
    private static final int MAX_INLINE = 1 << 20;

    /** Takes context ids that have come, and their buffer. */
    interface Status {
        void query(Operation request, ByteBuf ids);
    }

    private final Channel channel;
    private final Medium medium;
    private final boolean alwaysDurable;
    private final MemoryBudget budget;
    private final Window window;
    private final Operations operations;
    private final Status status;

    private @Nullable Operation request;
    /** The piece that is awaited; null when nothing is, when its turn has not come, or when the bytes are dropped. */
    private @Nullable ByteBuf piece;

    private boolean discarding;
    private long left;
    private long at;

    Upload(
            Channel channel,
            Negotiated negotiated,
            MemoryBudget budget,
            Window window,
            Operations operations,
            Status status) {
        this.channel = channel;
        this.medium = negotiated.export().medium();
        this.alwaysDurable = negotiated.oldstyle();
        this.budget = budget;
        this.window = window;
        this.operations = operations;
        this.status = status;
    }

    /** Awaits the payload of a request. */
    void expect(Operation of, long bytes) {
        request = of;
        left = bytes;
        at = of.offset;
        discarding = false;
        nextPiece();
    }

    /** Awaits bytes that nobody wants; then the request, which has failed, is answered. */
    void discard(Operation of, long bytes) {
        request = of;
        left = bytes;
        discarding = true;
    }

    /** Returns whether the next piece needs memory first. */
    boolean needsPiece() {
        return piece == null && !discarding;
    }

    void nextPiece() {
        final int bytes = budget.piece(left);
        piece = channel.alloc().directBuffer(bytes, bytes);
        window.hold(bytes);
    }

    /** Returns the buffer into which the next bytes may be received in place, or null. */
    @Nullable
    ByteBuf target() {
        return piece;
    }

    /** Returns whether a buffer that was received is the one of {@link #target}. */
    boolean isTarget(ByteBuf received) {
        return received == piece;
    }

    /** Takes note of bytes that came in place; returns whether the payload is complete. */
    boolean receivedInPlace() {
        final ByteBuf to = piece;
        return to != null && !to.isWritable() && pieceArrived(to);
    }

    /** Takes bytes; returns whether the payload is complete. */
    boolean take(ByteBuf in) {
        final ByteBuf to = piece;
        if (to == null) {
            return skip(in);
        }
        in.readBytes(to, Math.min(in.readableBytes(), to.writableBytes()));
        return !to.isWritable() && pieceArrived(to);
    }

    private boolean skip(ByteBuf in) {
        final int bytes = (int) Math.min(in.readableBytes(), left);
        in.skipBytes(bytes);
        left -= bytes;
        final Operation refused = request;
        if (left > 0 || refused == null) {
            return false;
        }
        request = null;
        operations.issued(refused);
        return true;
    }

    private boolean pieceArrived(ByteBuf arrived) {
        final Operation of = request;
        if (of == null) {
            throw new IllegalStateException("no payload is awaited");
        }
        final int bytes = arrived.readableBytes();
        piece = null;
        left -= bytes;
        window.hold(-bytes);
        final boolean last = left == 0;
        if (last) {
            request = null;
        }
        if (of.type == Nbd.CMD_BLOCK_STATUS) {
            status.query(of, arrived);
            return true;
        }
        final boolean only = last && at == of.offset;
        final Operation op = only ? of : operations.piece(of, at, bytes);
        at += bytes;
        if (of.error == NbdError.OK && mayWriteNow(op)) {
            write(op, arrived, bytes);
            arrived.release();
            operations.finish(op);
        } else {
            operations.hold(op, arrived);
            operations.start(op);
        }
        if (last && !only) {
            operations.issued(of);
        }
        return last;
    }

    /** Does a write whose payload lies in {@code in} as a whole, if that needs no waiting; returns whether it did. */
    boolean writeNow(Operation op, ByteBuf in) {
        if (in.readableBytes() < op.length || op.length > MAX_INLINE || !mayWriteNow(op)) {
            return false;
        }
        write(op, in, (int) op.length);
        in.skipBytes((int) op.length);
        operations.finish(op);
        return true;
    }

    private boolean mayWriteNow(Operation op) {
        return (medium.inMemory() || !(op.has(Nbd.CMD_FLAG_FUA) || alwaysDurable)) && medium.mayWriteNow();
    }

    private void write(Operation op, ByteBuf from, int bytes) {
        try {
            medium.writeNow(op.offset, from, from.readerIndex(), bytes);
        } catch (final IOException | RuntimeException e) {
            op.fail(NbdError.of(e), String.valueOf(e.getMessage()));
        }
    }

    /** Gives up what has not come: its request is not answered. */
    void drop() {
        final ByteBuf partial = piece;
        piece = null;
        request = null;
        left = 0;
        if (partial != null) {
            window.hold(-partial.capacity());
            partial.release();
        }
    }
}
