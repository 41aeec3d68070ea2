package io.replicate.nbd.server;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;

/**
 * What one client may have under way: beyond its limit of bytes or requests nothing more is read from it until replies
 * have gone out. Counts on the channel's event loop only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails closes the channel, which is watched
final class Window {
    /** The most operations of one connection with workers. */
    static final int MAX_OPERATIONS = 256;
    /** The most file ranges that wait for one socket. */
    private static final int MAX_REGIONS = 64;

    private final Channel channel;
    private final Replies replies;
    private final MemoryBudget budget;
    private final long limit;
    private final boolean oneByOne;

    private int operations;
    private long bytes;
    private long accounted;

    /**
     * @param limit of the bytes of requests and replies.
     * @param oneByOne whether a request waits for the answer to the one before.
     */
    Window(Channel channel, Replies replies, MemoryBudget budget, long limit, boolean oneByOne) {
        this.channel = channel;
        this.replies = replies;
        this.budget = budget;
        this.limit = limit;
        this.oneByOne = oneByOne;
    }

    /** Counts memory that a request holds; negative when it lets go. */
    void hold(long more) {
        bytes += more;
    }

    /** Counts an operation that a worker gets. */
    void began() {
        operations++;
    }

    /** Counts an operation that a worker has finished. */
    void ended() {
        operations--;
    }

    /** Returns how many operations are with workers. */
    int operations() {
        return operations;
    }

    /** Returns whether one more request may begin; sends what is answered if that makes room. */
    boolean hasRoom() {
        if (isRoom()) {
            return true;
        }
        replies.flush();
        return isRoom();
    }

    private boolean isRoom() {
        if (oneByOne && operations > 0) {
            return false;
        }
        if (operations >= MAX_OPERATIONS || replies.regionsQueued() >= MAX_REGIONS) {
            return false;
        }
        final long held = bytes + replies.pendingBytes();
        return held == 0 || (held < limit && !isBudgetExhausted());
    }

    /** Returns whether the client has to take replies before it gets the next piece of a long one. */
    boolean isReplyQueueFull() {
        final long pending = replies.pendingBytes();
        return pending >= limit || (pending > 0 && isBudgetExhausted());
    }

    private boolean isBudgetExhausted() {
        account(false); // or a client takes its fill before it sees that all of them together have enough
        return budget.exhausted();
    }

    /** Returns whether enough file ranges have left for waiting requests to go on. */
    boolean isHalfSent() {
        return replies.regionsQueued() == MAX_REGIONS / 2;
    }

    /**
     * Has {@code then} run when everything written so far has left. Not from where that is found out: there what has just
     * left still counts as waiting, and who waits for room again would be woken again, without an end.
     */
    void whenSent(Runnable then) {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(f -> {
            if (f.isSuccess()) {
                channel.eventLoop().execute(() -> orClose(then));
            }
        });
    }

    /** Runs a task of the event loop, which would pass over its failure: the client would wait for ever. */
    void orClose(Runnable task) {
        try {
            task.run();
        } catch (final RuntimeException | OutOfMemoryError e) {
            channel.pipeline().fireExceptionCaught(e);
        }
    }

    /** Brings the budget of all clients up to date with its replies; {@code gone} when replies are nobody's any more. */
    void account(boolean gone) {
        final long held = gone ? bytes : bytes + replies.pendingBytes();
        if (held != accounted) {
            budget.add(held - accounted);
            accounted = held;
        }
    }
}
