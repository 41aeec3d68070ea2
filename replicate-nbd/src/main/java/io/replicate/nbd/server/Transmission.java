package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.RequestHeader;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jctools.queues.MpscArrayQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transmission phase of one connection: takes requests apart, executes what needs no waiting on the event loop and
 * the rest on workers, and answers. Everything but {@link #work} happens on the channel's event loop.
 *
 * <p>What a client can make the server keep is bounded: beyond its limit of bytes or requests nothing more is read from
 * it until replies have gone out. Payloads longer than a piece pass through memory piece by piece.
 */
@SuppressWarnings("ReferenceEquality") // buffers are told apart by identity
final class Transmission {
    private static final Logger LOG = LoggerFactory.getLogger(Transmission.class);

    /** The most operations of one connection with workers. */
    static final int MAX_OPERATIONS = 256;
    /** The most file ranges that wait for one socket. */
    private static final int MAX_REGIONS = 64;
    /** Writes at least this long are received in place. */
    private static final int LONG_WRITE = 32 << 10;
    /** The longest write that an event loop does itself, in bytes. */
    private static final int MAX_INLINE = 1 << 20;

    private enum State {
        HEADER,
        /** A write's bytes, or the context ids of a block status. */
        PAYLOAD,
        /** The bytes of a request that is refused. */
        DISCARD,
        /** A long read is under way; the next request waits. */
        LONG_READ,
        /** The client has said goodbye, or is wrong beyond repair: finish what is under way, then close. */
        ENDING
    }

    private final Channel channel;
    private final Negotiated negotiated;
    private final RequestCheck check;
    private final Medium medium;
    private final Commands commands;
    private final Replies replies;
    private final ReceiveBuffers receive;
    private final MemoryBudget budget;
    private final Executor workers;
    private final long memoryLimit;
    private final boolean direct;
    private final Runnable ending;

    private final RequestHeader header = new RequestHeader();
    private final int headerBytes;
    private final ByteBuf split;
    private final Queue<ByteBuf> inputs = new ArrayDeque<>();
    private final ArrayDeque<Operation> idle = new ArrayDeque<>();
    private final MpscArrayQueue<Operation> reports = new MpscArrayQueue<>(2 * MAX_OPERATIONS);
    private final AtomicBoolean reporting = new AtomicBoolean();

    private State state = State.HEADER;
    private @Nullable Operation current;
    private @Nullable ByteBuf payload;
    private long payloadLeft;
    private long payloadAt;
    private @Nullable LongRead longRead;
    private int operations;
    private long operationBytes;
    private long accounted;
    private boolean paused;
    private boolean inputClosed;
    private boolean gone;
    private boolean shuttingDown;

    /**
     * @param ending closes the channel when everything that was answered has left; called once.
     */
    Transmission(
            Channel channel,
            Negotiated negotiated,
            ServerLimits limits,
            MemoryBudget budget,
            Executor workers,
            ReceiveBuffers receive,
            boolean tls,
            Runnable ending) {
        this.channel = channel;
        this.ending = ending;
        this.negotiated = negotiated;
        this.check = new RequestCheck(negotiated);
        this.medium = negotiated.export().medium();
        this.commands = new Commands(negotiated);
        this.replies = new Replies(channel, negotiated, tls, this::regionDone);
        this.receive = receive;
        this.budget = budget;
        this.workers = workers;
        this.memoryLimit = limits.clientMemoryBytes();
        this.direct = !tls;
        this.headerBytes = RequestHeader.bytes(negotiated.extended());
        this.split = Unpooled.buffer(headerBytes, headerBytes);
    }

    // ---- input

    /** Takes bytes from the client, and their ownership. */
    void receive(ByteBuf in) {
        if (gone) {
            in.release();
            return;
        }
        if (in == payload) { // received in place: this is the reference of the receive call
            in.release();
            if (!payload.isWritable()) {
                pieceArrived();
            }
        } else {
            inputs.add(in);
        }
        decode();
    }

    /** The batch of reads is over: send what was answered. */
    void receiveComplete() {
        replies.flush();
        settle();
    }

    /** The client will send no more. What it has sent is still answered. */
    void inputClosed() {
        inputClosed = true;
        decode();
        receiveComplete();
    }

    private void decode() {
        paused = false;
        while (!gone && !paused) {
            if (state == State.LONG_READ || state == State.ENDING) {
                break;
            }
            if (state == State.PAYLOAD && payload == null && !nextPiece()) {
                break;
            }
            final ByteBuf in = inputs.peek();
            if (in == null) {
                if (state != State.HEADER || split.readableBytes() < headerBytes) {
                    break;
                }
                step(Unpooled.EMPTY_BUFFER); // a header that came in parts and had to wait
                continue;
            }
            step(in);
            if (!in.isReadable() && inputs.peek() == in) {
                inputs.remove();
                in.release();
            }
        }
        if (state == State.ENDING || (inputClosed && inputs.isEmpty() && !paused && state != State.LONG_READ)) {
            state(State.ENDING);
            dropInput();
        }
        final boolean wait = paused || state == State.LONG_READ;
        receive.target(direct && state == State.PAYLOAD && inputs.isEmpty() && !wait ? payload : null);
        if (!inputClosed && channel.config().isAutoRead() == (wait || state == State.ENDING)) {
            channel.config().setAutoRead(!wait && state != State.ENDING);
        }
    }

    private void step(ByteBuf in) {
        switch (state) {
            case HEADER -> {
                if (nextHeader(in)) {
                    begin(in);
                }
            }
            case PAYLOAD -> takePayload(in);
            case DISCARD -> {
                final int n = (int) Math.min(in.readableBytes(), payloadLeft);
                in.skipBytes(n);
                payloadLeft -= n;
                if (payloadLeft == 0) {
                    state(State.HEADER);
                    issued(request());
                }
            }
            case LONG_READ, ENDING -> throw new IllegalStateException(state.name());
        }
    }

    /** Reads a header, which may come in parts; returns false when it is not whole, or must wait. */
    private boolean nextHeader(ByteBuf in) {
        final boolean whole = !split.isReadable() && in.readableBytes() >= headerBytes;
        if (!whole) {
            split.writeBytes(in, Math.min(in.readableBytes(), headerBytes - split.readableBytes()));
            if (split.readableBytes() < headerBytes) {
                return false;
            }
        }
        if (!mayStart()) {
            return false;
        }
        final boolean right = whole
                ? header.decode(in, in.readerIndex(), negotiated.extended())
                : header.decode(split, 0, negotiated.extended());
        if (whole) {
            in.skipBytes(headerBytes);
        }
        split.clear();
        if (!right) {
            wrongMagic();
        }
        return right;
    }

    private void wrongMagic() {
        LOG.debug("{}: a request with a wrong magic number: closed", channel.remoteAddress());
        if (negotiated.oldstyle()) {
            replies.simple(NbdError.OLDSTYLE_EBADMSG, header.cookie());
        }
        state(State.ENDING);
    }

    // ---- requests

    private void begin(ByteBuf in) {
        final long bytes = check.payload(header);
        if (negotiated.extended() && Long.compareUnsigned(bytes, RequestCheck.MAX_PAYLOAD) > 0) {
            LOG.debug("{}: {}: the payload is too long: closed", channel.remoteAddress(), header);
            state(State.ENDING);
            return;
        }
        final int error = shuttingDown && header.type() != Nbd.CMD_DISC ? NbdError.ESHUTDOWN : check.check(header);
        if (error == NbdError.OK && header.type() == Nbd.CMD_DISC) {
            state(State.ENDING);
            return;
        }
        if (error != NbdError.OK) {
            refuse(error, bytes);
            return;
        }
        receive.headersOnly(direct && header.type() == Nbd.CMD_WRITE && header.length() >= LONG_WRITE);
        switch (header.type()) {
            case Nbd.CMD_READ -> read();
            case Nbd.CMD_WRITE -> write(in);
            case Nbd.CMD_BLOCK_STATUS -> status(bytes);
            default -> start(take());
        }
    }

    private void refuse(int error, long payloadBytes) {
        final Operation op = take();
        op.fail(error, error == NbdError.ESHUTDOWN ? "the server is shutting down" : check.explain(header, error));
        if (payloadBytes > 0) {
            current = op;
            payloadLeft = payloadBytes;
            state(State.DISCARD);
        } else {
            issued(op);
        }
    }

    private void read() {
        final long offset = header.offset();
        final long length = header.length();
        final boolean whole = !negotiated.chunked() || header.has(Nbd.CMD_FLAG_DF);
        if (length == 0) {
            replies.done(header.cookie(), offset);
            return;
        }
        if ((whole || medium.isKnownData(offset, length))
                && (replies.fromFile(header, medium) || replies.fromCache(header, medium))) {
            return;
        }
        final Operation op = take();
        if (length > MemoryBudget.SMALL_PIECE && length > budget.piece(length)) {
            state(State.LONG_READ);
            longRead = new LongRead(this, op, negotiated, budget, channel.alloc());
            continueLongRead();
            return;
        }
        hold(op, replies.newBuffer((int) length + Replies.ROOM));
        start(op);
    }

    private void write(ByteBuf in) {
        final long length = header.length();
        if (length == 0) {
            replies.done(header.cookie(), header.offset());
            return;
        }
        final Operation op = take();
        if (in.readableBytes() >= length && mayWriteNow(op) && length <= MAX_INLINE) {
            writeNow(op, in, (int) length);
            in.skipBytes((int) length);
            finish(op);
            return;
        }
        current = op;
        payloadLeft = length;
        payloadAt = op.offset;
        state(State.PAYLOAD);
        allocatePiece();
    }

    private void status(long payloadBytes) {
        final Operation op = take();
        if (payloadBytes == 0) {
            hold(op, replies.newBuffer(Replies.ROOM));
            start(op);
        } else if (payloadBytes < Long.BYTES + Integer.BYTES
                || payloadBytes % Integer.BYTES != 0
                || payloadBytes
                        > Long.BYTES
                                + Integer.BYTES * (long) negotiated.contexts().size()) {
            idle.push(op);
            refuse(NbdError.EINVAL, payloadBytes); // also more ids than there are: one must be twice or unknown
        } else {
            current = op;
            payloadLeft = payloadBytes;
            payloadAt = 0;
            state(State.PAYLOAD);
            allocatePiece();
        }
    }

    // ---- payloads

    private boolean nextPiece() {
        if (!mayStart()) {
            return false;
        }
        allocatePiece();
        return true;
    }

    private void allocatePiece() {
        final int bytes = budget.piece(payloadLeft);
        payload = channel.alloc().directBuffer(bytes, bytes);
        operationBytes += bytes;
    }

    private void takePayload(ByteBuf in) {
        final ByteBuf to = payload();
        in.readBytes(to, Math.min(in.readableBytes(), to.writableBytes()));
        if (!to.isWritable()) {
            pieceArrived();
        }
    }

    private void pieceArrived() {
        final ByteBuf piece = payload();
        final int bytes = piece.readableBytes();
        final Operation request = request();
        payload = null;
        payloadLeft -= bytes;
        operationBytes -= bytes;
        if (request.type == Nbd.CMD_BLOCK_STATUS) {
            state(State.HEADER);
            statusOf(request, piece);
            return;
        }
        final boolean last = payloadLeft == 0;
        final boolean only = last && payloadAt == request.offset;
        final Operation op = only ? request : takePiece(request, payloadAt, bytes);
        payloadAt += bytes;
        if (last) {
            state(State.HEADER);
        }
        if (mayWriteNow(op) && request.error == NbdError.OK) {
            writeNow(op, piece, bytes);
            piece.release();
            finish(op);
        } else {
            hold(op, piece);
            start(op);
        }
        if (last && !only) {
            issued(request);
        }
    }

    private void statusOf(Operation op, ByteBuf ids) {
        op.length = ids.readLong();
        int error = check.checkStatusRange(op.offset, op.length);
        for (int i = ids.readerIndex(); i < ids.writerIndex(); i += Integer.BYTES) {
            if (!isSelectedOnce(ids, i)) {
                error = NbdError.EINVAL;
            }
        }
        if (error != NbdError.OK) {
            ids.release();
            op.fail(error, "BLOCK_STATUS: a wrong length, or a context id that is unknown or stands twice");
            issued(op);
            return;
        }
        hold(op, replies.newBuffer(Replies.ROOM).writeBytes(ids));
        ids.release();
        start(op);
    }

    private boolean isSelectedOnce(ByteBuf ids, int index) {
        final int id = ids.getInt(index);
        for (int i = ids.readerIndex(); i < index; i += Integer.BYTES) {
            if (ids.getInt(i) == id) {
                return false;
            }
        }
        return negotiated.contexts().stream().anyMatch(c -> c.id() == id);
    }

    private boolean mayWriteNow(Operation op) {
        return (medium.inMemory() || !(op.has(Nbd.CMD_FLAG_FUA) || negotiated.oldstyle())) && medium.mayWriteNow();
    }

    private void writeNow(Operation op, ByteBuf from, int bytes) {
        try {
            medium.writeNow(op.offset, from, from.readerIndex(), bytes);
        } catch (final java.io.IOException | RuntimeException e) {
            op.fail(NbdError.of(e), String.valueOf(e.getMessage()));
        }
    }

    // ---- operations

    private Operation take() {
        final Operation op = fresh();
        op.begin(header);
        return op;
    }

    Operation takePiece(Operation request, long offset, long length) {
        final Operation op = fresh();
        op.pieceOf(request, offset, length);
        request.pending++;
        return op;
    }

    private Operation fresh() {
        final Operation op = idle.poll();
        return op == null ? new Operation(this) : op;
    }

    void hold(Operation op, ByteBuf data) {
        op.data = data;
        op.held = data.capacity();
        operationBytes += op.held;
    }

    void start(Operation op) {
        operations++;
        try {
            workers.execute(op);
        } catch (final RejectedExecutionException e) {
            op.fail(NbdError.ESHUTDOWN, "the server is shutting down");
            report(op);
        }
    }

    /** Runs on a worker. */
    void work(Operation op) {
        commands.perform(op);
        report(op);
    }

    private void report(Operation op) {
        reports.offer(op); // never full: it holds more than may be under way
        if (reporting.compareAndSet(false, true)) {
            channel.eventLoop().execute(this::takeReports);
        }
    }

    private void takeReports() {
        reporting.set(false);
        for (Operation op = reports.poll(); op != null; op = reports.poll()) {
            operations--;
            operationBytes -= op.held;
            op.held = 0;
            finish(op);
        }
        if (!gone && (paused || state == State.ENDING)) {
            decode();
        }
        replies.flush();
        settle();
    }

    /** An operation is over: answer, or count it off the request that it is a piece of. */
    private void finish(Operation op) {
        final Operation request = op.whole;
        if (op.streamed) {
            final LongRead reading = longRead;
            if (reading != null && !gone) {
                reading.arrived(op, replies);
                recycle(op);
                continueLongRead();
                return;
            }
        } else if (request == null) {
            answer(op);
            return;
        }
        if (request != null) {
            request.pending--;
            if (op.error != NbdError.OK) {
                request.fail(op.error, op.reason());
            }
            if (request.issued && request.pending == 0) {
                answer(request);
            }
        }
        recycle(op);
    }

    /** All pieces of a request are handed out, or it was refused. */
    private void issued(Operation request) {
        current = null;
        request.issued = true;
        if (request.pending == 0) {
            answer(request);
        }
    }

    private void answer(Operation op) {
        if (!gone) {
            replies.answer(op);
        }
        recycle(op);
    }

    private void recycle(Operation op) {
        op.releaseData();
        if (idle.size() < MAX_OPERATIONS) {
            idle.push(op);
        }
    }

    private void continueLongRead() {
        final LongRead reading = longRead;
        if (reading == null) {
            return;
        }
        if (!reading.isFinished()) {
            if (reading.mustWait(operations)) {
                return;
            }
            replies.flush();
            if (replies.pendingBytes() >= memoryLimit || (replies.pendingBytes() > 0 && budget.exhausted())) {
                resumeWhenSent();
            } else {
                reading.next();
            }
            return;
        }
        longRead = null;
        recycle(reading.request());
        if (reading.failedHard() || shuttingDown) {
            state(State.ENDING);
        } else {
            state(State.HEADER);
        }
        decode();
    }

    // ---- bounds

    private boolean mayStart() {
        if (isRoom()) {
            return true;
        }
        replies.flush();
        if (isRoom()) {
            return true;
        }
        paused = true;
        if (operations == 0) {
            resumeWhenSent();
        }
        return false;
    }

    private boolean isRoom() {
        if (negotiated.oldstyle() && operations > 0) {
            return false; // strictly one after the other
        }
        if (operations >= MAX_OPERATIONS || replies.regionsQueued() >= MAX_REGIONS) {
            return false;
        }
        final long held = operationBytes + replies.pendingBytes();
        return held == 0 || (held < memoryLimit && !budget.exhausted());
    }

    /** Goes on when everything written so far has left. */
    private void resumeWhenSent() {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(f -> {
            if (!gone && f.isSuccess()) {
                resume();
            }
        });
    }

    private void resume() {
        if (longRead != null) {
            continueLongRead();
        } else if (paused) {
            decode();
        }
        replies.flush();
        settle();
    }

    /** Some of what was queued has left. */
    void writable() {
        if (!gone && paused && longRead == null) {
            resume();
        }
    }

    private void regionDone() {
        if (paused && !gone && replies.regionsQueued() == MAX_REGIONS / 2) {
            channel.eventLoop().execute(this::writable);
        }
    }

    // ---- the end

    /** The server stops: what is under way is finished, what comes is refused, and the connection closes. */
    void shutdown() {
        shuttingDown = true;
        if (longRead == null && state != State.ENDING) {
            state(State.ENDING);
            dropInput();
            channel.config().setAutoRead(false);
        }
        receiveComplete();
    }

    private void settle() {
        final long held = gone ? operationBytes : operationBytes + replies.pendingBytes();
        budget.add(held - accounted);
        accounted = held;
        if (state == State.ENDING && operations == 0 && !gone) {
            gone = true;
            dropInput();
            ending.run();
            settle();
        }
    }

    /** The connection is no more. */
    void closed() {
        gone = true;
        dropInput();
        replies.release();
        settle();
    }

    private void dropInput() {
        for (ByteBuf in = inputs.poll(); in != null; in = inputs.poll()) {
            in.release();
        }
        receive.target(null);
        final ByteBuf partial = payload;
        payload = null;
        if (partial != null) {
            operationBytes -= partial.capacity();
            partial.release();
        }
        payloadLeft = 0;
        if (current != null && state == State.ENDING) {
            current.issued = false; // its last piece never came: it is not answered
        }
    }

    private ByteBuf payload() {
        if (payload == null) {
            throw new IllegalStateException("no payload is awaited");
        }
        return payload;
    }

    private Operation request() {
        if (current == null) {
            throw new IllegalStateException("no request is awaited");
        }
        return current;
    }

    private void state(State next) {
        state = next;
    }
}
