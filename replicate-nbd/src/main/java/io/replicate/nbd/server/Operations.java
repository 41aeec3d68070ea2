package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.RequestHeader;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jctools.queues.MpscArrayQueue;

/**
 * The operations of one connection: gives them to workers, takes their reports in batches, puts pieces together and has
 * the whole answered. Everything but {@link #work} happens on the channel's event loop.
 */
final class Operations {
    private final Channel channel;
    private final Executor workers;
    private final Commands commands;
    private final Replies replies;
    private final Window window;
    private final Runnable reported;

    private final ArrayDeque<Operation> idle = new ArrayDeque<>();
    private final MpscArrayQueue<Operation> reports = new MpscArrayQueue<>(2 * Window.MAX_OPERATIONS);
    private final AtomicBoolean reporting = new AtomicBoolean();
    private final Runnable takeReports;
    private boolean gone;

    /**
     * @param reported is called when a batch of reports was taken.
     */
    Operations(
            Channel channel, Executor workers, Commands commands, Replies replies, Window window, Runnable reported) {
        this.channel = channel;
        this.workers = workers;
        this.commands = commands;
        this.replies = replies;
        this.window = window;
        this.reported = reported;
        this.takeReports = () -> window.orClose(this::takeReports);
    }

    /** Returns an operation for a request. */
    Operation begin(RequestHeader header) {
        final Operation op = fresh();
        op.begin(header);
        return op;
    }

    /** Returns an operation for a piece of a request, which waits for it. */
    Operation piece(Operation request, long offset, long length) {
        final Operation op = fresh();
        op.pieceOf(request, offset, length);
        request.pending++;
        return op;
    }

    private Operation fresh() {
        final Operation op = idle.poll();
        return op == null ? new Operation(this) : op;
    }

    /** Gives an operation its buffer, which counts against the client's limit while a worker has it. */
    void hold(Operation op, ByteBuf data) {
        op.data = data;
        op.held = data.capacity();
        window.hold(op.held);
    }

    /** Hands an operation to a worker. */
    void start(Operation op) {
        window.began();
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
            channel.eventLoop().execute(takeReports);
        }
    }

    private void takeReports() {
        reporting.set(false);
        try {
            for (Operation op = reports.poll(); op != null; op = reports.poll()) {
                window.ended();
                window.hold(-op.held);
                op.held = 0;
                finish(op);
            }
            reported.run();
        } finally {
            // one that fails ends the connection, and the memory of those behind it is still to be given back
            if (!reports.isEmpty() && reporting.compareAndSet(false, true)) {
                channel.eventLoop().execute(takeReports);
            }
        }
    }

    /** An operation is over: answer it, or count it off the request that it is a piece of. */
    void finish(Operation op) {
        final LongRead stream = op.stream;
        final Operation request = op.whole;
        if (stream != null) {
            if (!gone) {
                stream.arrived(op);
            }
            recycle(op);
            if (!gone) {
                stream.proceed();
            }
        } else if (request == null) {
            answer(op);
        } else {
            request.pending--;
            if (op.error != NbdError.OK) {
                request.fail(op.error, op.reason());
            }
            if (request.issued && request.pending == 0) {
                answer(request);
            }
            recycle(op);
        }
    }

    /** All pieces of a request are handed out, or it was refused. */
    void issued(Operation request) {
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

    /** Takes back an operation that is over, for the next request. */
    void recycle(Operation op) {
        op.releaseData();
        if (idle.size() < Window.MAX_OPERATIONS) {
            idle.push(op);
        }
    }

    /** Answers nothing any more: nobody would hear it. */
    void abandon() {
        gone = true;
    }
}
