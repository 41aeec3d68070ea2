package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.RequestHeader;
import org.jspecify.annotations.Nullable;

/**
 * A request under way, or one piece of it. Belongs to the event loop, except between its hand-over to a worker and the
 * worker's report. Used again when it is finished.
 */
final class Operation implements Runnable {
    private final Operations owner;

    int type;
    int flags;
    long cookie;
    /** What the request's header said; extended replies repeat it. */
    long requestOffset;
    /** The range of this piece. */
    long offset;

    long length;
    /** The payload of a write, or the reply of a read or block status. */
    @Nullable
    ByteBuf data;
    /** Bytes that count against the client's limit while this is under way. */
    int held;
    /** The request of which this is a piece; null when it is whole. */
    @Nullable
    Operation whole;
    /** Of a whole: pieces that are under way. */
    int pending;
    /** Of a whole: whether all pieces were handed out. */
    boolean issued;
    /** Of a piece of a long read. */
    @Nullable
    LongRead stream;

    int error;

    @Nullable
    String text;

    Operation(Operations owner) {
        this.owner = owner;
    }

    void begin(RequestHeader h) {
        type = h.type();
        flags = h.flags();
        cookie = h.cookie();
        requestOffset = h.offset();
        offset = h.offset();
        length = h.length();
        held = 0;
        whole = null;
        pending = 0;
        issued = false;
        stream = null;
        error = NbdError.OK;
        text = null;
    }

    void pieceOf(Operation request, long pieceOffset, long pieceLength) {
        type = request.type;
        flags = request.flags;
        cookie = request.cookie;
        requestOffset = request.requestOffset;
        offset = pieceOffset;
        length = pieceLength;
        held = 0;
        whole = request;
        pending = 0;
        issued = false;
        stream = null;
        error = NbdError.OK;
        text = null;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** The first failure counts. */
    void fail(int failure, String reason) {
        if (error == NbdError.OK) {
            error = failure;
            text = reason;
        }
    }

    String reason() {
        return text == null ? NbdError.name(error) : text;
    }

    void releaseData() {
        final ByteBuf buffer = data;
        data = null;
        if (buffer != null) {
            buffer.release();
        }
    }

    @Override
    public void run() {
        owner.work(this);
    }
}
