package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.RequestHeader;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The transmission phase of one connection: executes what needs no waiting on the event loop and has workers do the
 * rest. Used by the channel's event loop only.
 *
 * <p><b>Design note:</b> {@link Intake} takes bytes apart, {@link Upload} receives payloads, {@link Operations} knows
 * workers and their reports, {@link Replies} the way back, {@link Window} what the client may have under way. Here is
 * only what each command needs, and how it all ends.
 */
final class Transmission implements Intake.Requests {
    private static final Logger LOG = LoggerFactory.getLogger(Transmission.class);

    /** Writes at least this long are received in place. */
    private static final int LONG_WRITE = 32 << 10;

    private final Channel channel;
    private final Negotiated negotiated;
    private final RequestCheck check;
    private final Medium medium;
    private final MemoryBudget budget;
    private final ReceiveBuffers receive;
    private final boolean plain;
    private final Runnable ending;

    private final Replies replies;
    private final Window window;
    private final Operations operations;
    private final Upload upload;
    private final Intake intake;
    private @Nullable LongRead longRead;
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
        this.negotiated = negotiated;
        this.check = new RequestCheck(negotiated);
        this.medium = negotiated.export().medium();
        this.budget = budget;
        this.receive = receive;
        this.plain = !tls;
        this.ending = ending;
        this.replies = new Replies(channel, negotiated, tls, this::regionDone);
        this.window = new Window(channel, replies, budget, limits.clientMemoryBytes(), negotiated.oldstyle());
        this.operations =
                new Operations(channel, workers, new Commands(negotiated), replies, window, this::operationsDone);
        this.upload = new Upload(channel, negotiated, budget, window, operations, this::status);
        this.intake = new Intake(channel, receive, plain, negotiated.extended(), window, upload, this);
    }

    /** Takes bytes from the client, and their ownership. */
    void receive(ByteBuf in) {
        intake.receive(in);
    }

    /** The batch of reads is over: send what was answered. */
    void receiveComplete() {
        replies.flush();
        settle();
    }

    /** The client will send no more. What it has sent is still answered. */
    void inputClosed() {
        intake.inputClosed();
        receiveComplete();
    }

    // ---- requests

    @Override
    public void wrongMagic(RequestHeader header) {
        LOG.debug("{}: a request with a wrong magic number: closed", PeerName.of(channel));
        if (negotiated.oldstyle()) {
            replies.simple(NbdError.OLDSTYLE_EBADMSG, header.cookie());
        }
        intake.end();
    }

    @Override
    public void request(RequestHeader header, ByteBuf in) {
        final long payload = check.payload(header);
        if (negotiated.extended() && Long.compareUnsigned(payload, RequestCheck.MAX_PAYLOAD) > 0) {
            LOG.debug("{}: {}: the payload is too long: closed", PeerName.of(channel), header);
            intake.end();
            return;
        }
        final boolean goodbye = header.type() == Nbd.CMD_DISC;
        final int error = shuttingDown && !goodbye ? NbdError.ESHUTDOWN : check.check(header);
        if (error != NbdError.OK) {
            final Operation op = operations.begin(header);
            op.fail(error, error == NbdError.ESHUTDOWN ? "the server is shutting down" : check.explain(header, error));
            refuse(op, payload);
            return;
        }
        if (goodbye) {
            intake.end();
            return;
        }
        receive.headersOnly(plain && header.type() == Nbd.CMD_WRITE && header.length() >= LONG_WRITE);
        switch (header.type()) {
            case Nbd.CMD_READ -> read(header);
            case Nbd.CMD_WRITE -> write(header, in);
            case Nbd.CMD_BLOCK_STATUS -> status(header, payload);
            default -> operations.start(operations.begin(header));
        }
    }

    /** Answers an operation that has failed already when its payload is out of the way. */
    private void refuse(Operation op, long payload) {
        if (payload > 0) {
            upload.discard(op, payload);
            intake.awaitPayload();
        } else {
            operations.issued(op);
        }
    }

    private void read(RequestHeader header) {
        final long offset = header.offset();
        final long length = header.length();
        if (length == 0) {
            replies.done(header.cookie(), offset);
            return;
        }
        final boolean whole = !negotiated.chunked() || header.has(Nbd.CMD_FLAG_DF);
        if ((whole || medium.isKnownData(offset, length))
                && (replies.fromFile(header, medium) || replies.fromCache(header, medium))) {
            return;
        }
        final Operation op = operations.begin(header);
        if (length > MemoryBudget.SMALL_PIECE && length > budget.piece(length)) {
            intake.hold();
            final LongRead reading = new LongRead(
                    operations,
                    window,
                    replies,
                    op,
                    negotiated,
                    budget,
                    channel.alloc(),
                    this::wake,
                    this::longReadEnded);
            longRead = reading;
            reading.proceed();
            return;
        }
        operations.hold(op, replies.newBuffer((int) length + Replies.ROOM));
        operations.start(op);
    }

    private void longReadEnded(LongRead reading) {
        longRead = null;
        if (reading.failedHard()) {
            intake.end();
            intake.decode();
        } else {
            intake.go();
        }
    }

    private void write(RequestHeader header, ByteBuf in) {
        if (header.length() == 0) {
            replies.done(header.cookie(), header.offset());
            return;
        }
        final Operation op = operations.begin(header);
        if (!upload.writeNow(op, in)) {
            upload.expect(op, header.length());
            intake.awaitPayload();
        }
    }

    private void status(RequestHeader header, long payload) {
        final Operation op = operations.begin(header);
        if (payload == 0) {
            operations.hold(op, replies.newBuffer(Replies.ROOM));
            operations.start(op);
        } else if (check.isStatusPayload(payload)) {
            upload.expect(op, payload);
            intake.awaitPayload();
        } else {
            op.fail(NbdError.EINVAL, check.explain(header, NbdError.EINVAL));
            refuse(op, payload);
        }
    }

    private void status(Operation op, ByteBuf ids) {
        op.length = ids.readLong();
        if (check.checkStatus(op.offset, op.length, ids) == NbdError.OK) {
            operations.hold(op, replies.newBuffer(Replies.ROOM).writeBytes(ids));
            operations.start(op);
        } else {
            op.fail(NbdError.EINVAL, "BLOCK_STATUS: a wrong length, or a context id that is unknown or stands twice");
            operations.issued(op);
        }
        ids.release();
    }

    // ---- going on

    private void operationsDone() {
        final LongRead reading = longRead;
        if (!gone && reading != null) {
            reading.othersAnswered();
        } else if (!gone && (intake.isPaused() || intake.isEnding())) {
            intake.decode();
        }
        receiveComplete();
    }

    /** Everything that was queued has left. */
    @Override
    public void wake() {
        if (gone) {
            return;
        }
        final LongRead reading = longRead;
        if (reading != null) {
            reading.proceed();
        } else if (intake.isPaused()) {
            intake.decode();
        }
        receiveComplete();
    }

    /** Some of what was queued has left. */
    void writable() {
        if (!gone && intake.isPaused() && longRead == null) {
            wake();
        }
    }

    private void regionDone() {
        if (!gone && intake.isPaused() && window.isHalfSent()) {
            channel.eventLoop().execute(this::writable);
        }
    }

    // ---- the end

    /** The server stops: what is under way is finished, what comes until then is refused, and the connection closes. */
    void shutdown() {
        shuttingDown = true;
        if (!gone) {
            intake.decode();
        }
        receiveComplete();
    }

    private void settle() {
        window.account(gone);
        if (shuttingDown && longRead == null && !intake.isPaused() && window.operations() == 0) {
            intake.end();
        }
        if (!gone && intake.isEnding() && window.operations() == 0) {
            abandon();
            ending.run();
            window.account(true);
        }
    }

    /** The connection is no more. */
    void closed() {
        abandon();
        replies.release();
        window.account(true);
    }

    private void abandon() {
        gone = true;
        operations.abandon();
        intake.close();
    }
}
