package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReplyCodec;
import java.util.function.Consumer;

/**
 * A read that is longer than what may be in memory at once: piece after piece is read by a worker and sent. A reply that
 * cannot be cut (a simple one, or one whose client forbade fragments) begins with its only header, and nothing else may
 * go between its pieces; any other is a chunk, or several, per piece. Used by the channel's event loop only.
 */
final class LongRead {
    private final Operations operations;
    private final Window window;
    private final Replies replies;
    private final Operation request;
    private final boolean chunked;
    private final boolean extended;
    private final boolean uncut;
    private final MemoryBudget budget;
    private final ByteBufAllocator alloc;
    private final Runnable resume;
    private final Consumer<LongRead> ended;
    private final long end;
    private long at;
    private boolean begun;
    private boolean away;
    private boolean behindOthers;
    private boolean finished;
    private boolean failedHard;

    /**
     * @param resume calls {@link #proceed} from where replies are sent on.
     * @param ended is called once, when the whole reply is queued or given up.
     */
    LongRead(
            Operations operations,
            Window window,
            Replies replies,
            Operation request,
            Negotiated negotiated,
            MemoryBudget budget,
            ByteBufAllocator alloc,
            Runnable resume,
            Consumer<LongRead> ended) {
        this.operations = operations;
        this.window = window;
        this.replies = replies;
        this.request = request;
        this.chunked = negotiated.chunked();
        this.extended = negotiated.extended();
        this.uncut = !chunked || request.has(Nbd.CMD_FLAG_DF);
        this.budget = budget;
        this.alloc = alloc;
        this.resume = resume;
        this.ended = ended;
        this.at = request.offset;
        this.end = request.offset + request.length;
    }

    /** Returns whether the reply broke off in a way that only the end of the connection can express. */
    boolean failedHard() {
        return failedHard;
    }

    /** Has the next piece read, unless the one before is under way or the client must take replies first. */
    void proceed() {
        if (finished) {
            operations.recycle(request);
            ended.accept(this);
        } else if (!mustWait()) {
            replies.flush();
            if (window.isReplyQueueFull()) {
                window.whenSent(resume);
            } else {
                next();
            }
        }
    }

    /** Others were answered: their replies may have been what a reply that cannot be cut had to let pass. */
    void othersAnswered() {
        if (behindOthers) {
            proceed();
        }
    }

    /** A reply that cannot be cut begins when all others are out. */
    private boolean mustWait() {
        behindOthers = uncut && !begun && !away && window.operations() > 0;
        return away || behindOthers;
    }

    private void next() {
        final int bytes = budget.piece(end - at);
        final Operation piece = operations.piece(request, at, bytes);
        piece.stream = this;
        operations.hold(piece, alloc.directBuffer(bytes + Replies.ROOM));
        away = true;
        operations.start(piece);
    }

    /** A piece is here, or has failed: send what the client must get of it. */
    void arrived(Operation piece) {
        away = false;
        if (piece.error != NbdError.OK) {
            failed(piece);
            return;
        }
        if (uncut && !begun) {
            header();
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

    private void header() {
        final ByteBuf header = alloc.directBuffer(Replies.ROOM);
        if (chunked) {
            ReplyCodec.data(header, extended, false, request.cookie, request.requestOffset, request.offset, (int)
                    request.length);
        } else {
            ReplyCodec.simple(header, NbdError.OK, request.cookie);
        }
        replies.send(header);
    }

    private void failed(Operation piece) {
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
