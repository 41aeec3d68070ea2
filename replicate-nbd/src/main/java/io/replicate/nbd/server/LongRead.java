package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReplyCodec;

/**
 * A read that is longer than what may be in memory at once: piece after piece is read by a worker and sent. A reply that
 * cannot be cut (a simple one, or one whose client forbade fragments) begins with its only header, and nothing else may
 * go between its pieces; any other is a chunk, or several, per piece. Used by the channel's event loop only.
 */
final class LongRead {
    private final Transmission transmission;
    private final Operation request;
    private final boolean chunked;
    private final boolean extended;
    private final boolean uncut;
    private final MemoryBudget budget;
    private final ByteBufAllocator alloc;
    private final long end;
    private long at;
    private boolean begun;
    private boolean away;
    private boolean finished;
    private boolean failedHard;

    LongRead(
            Transmission transmission,
            Operation request,
            Negotiated negotiated,
            MemoryBudget budget,
            ByteBufAllocator alloc) {
        this.transmission = transmission;
        this.request = request;
        this.chunked = negotiated.chunked();
        this.extended = negotiated.extended();
        this.uncut = !chunked || request.has(Nbd.CMD_FLAG_DF);
        this.budget = budget;
        this.alloc = alloc;
        this.at = request.offset;
        this.end = request.offset + request.length;
    }

    Operation request() {
        return request;
    }

    boolean isFinished() {
        return finished;
    }

    /** Returns whether the reply broke off in a way that only the end of the connection can express. */
    boolean failedHard() {
        return failedHard;
    }

    /** Returns whether the next piece has to wait: for the piece before, or for all other replies to be out. */
    boolean mustWait(int operations) {
        return away || (uncut && !begun && operations > 0);
    }

    /** Has the next piece read. */
    void next() {
        final int bytes = budget.piece(end - at);
        final Operation piece = transmission.takePiece(request, at, bytes);
        piece.streamed = true;
        transmission.hold(piece, alloc.directBuffer(bytes + Replies.ROOM));
        away = true;
        transmission.start(piece);
    }

    /** A piece is here, or has failed: send what the client must get of it. */
    void arrived(Operation piece, Replies replies) {
        away = false;
        if (piece.error != NbdError.OK) {
            failed(piece, replies);
            return;
        }
        if (uncut && !begun) {
            header(replies);
        }
        begun = true;
        at += piece.length;
        final ByteBuf data = piece.data;
        piece.data = null;
        if (data != null) {
            replies.send(data);
        }
        if (at == end) {
            finished = true;
            if (chunked) {
                replies.none(request);
            }
        }
    }

    private void header(Replies replies) {
        final ByteBuf header = alloc.directBuffer(Replies.ROOM);
        if (chunked) {
            ReplyCodec.data(header, extended, false, request.cookie, request.requestOffset, request.offset, (int)
                    request.length);
        } else {
            ReplyCodec.simple(header, NbdError.OK, request.cookie);
        }
        replies.send(header);
    }

    private void failed(Operation piece, Replies replies) {
        finished = true;
        request.fail(piece.error, piece.reason());
        request.offset = piece.offset;
        if (begun && !chunked) {
            failedHard = true; // the header said success, and no byte that follows would be true
            return;
        }
        if (begun && uncut) {
            // the announced length must be kept; the zeroes are few enough, for a server rarely comes here
            for (long left = end - at; left > 0; left -= MemoryBudget.PIECE) {
                final int bytes = (int) Math.min(left, MemoryBudget.PIECE);
                replies.send(alloc.directBuffer(bytes).writeZero(bytes));
            }
        }
        replies.answer(request);
    }
}
