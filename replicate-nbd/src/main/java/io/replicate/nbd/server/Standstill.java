package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.EmptyByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes a connection whose client lives, but takes no byte of the replies that wait for it: no probe of the kernel's
 * ends that. One that has said its last word is given up soon, any other after about the time in which the kernel gives
 * up a peer that does not answer at all. Used by the channel's event loop only.
 */
@SuppressWarnings({
    "FutureReturnValueIgnored", // a close that fails has no other end
    "ReferenceEquality" // the mark is told by its identity
})
final class Standstill {
    private static final Logger LOG = LoggerFactory.getLogger(Standstill.class);
    /** As long as Linux repeats itself to a host that is gone (net.ipv4.tcp_retries2). */
    static final Duration FROZEN = Duration.ofMinutes(15);

    /** How many messages are before the mark, and what has left of the first: any byte that leaves changes it. */
    private record Place(int before, long sentOfFirst) {
        /** There is nothing to take, or all that was before the mark has been taken. */
        static final Place GONE = new Place(0, 0);
    }

    private final Channel channel;
    private @Nullable Future<?> next;
    /** Stands in the queue, of its own identity: what is queued behind it can be as long as what has left before it. */
    private final ByteBuf mark = new EmptyByteBuf(UnpooledByteBufAllocator.DEFAULT);

    private Place place = Place.GONE;

    Standstill(Channel channel) {
        this.channel = channel;
    }

    /** Closes after one to two times this length in which nothing is taken; in place of what held before. */
    void watch(Duration patience) {
        end();
        if (channel.isOpen()) {
            place = mark();
            await(patience);
        }
    }

    private void await(Duration patience) {
        next = channel.eventLoop().schedule(() -> look(patience), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look(Duration patience) {
        final Place now = find();
        if (!now.equals(Place.GONE) && now.equals(place)) {
            LOG.info("{}: took no reply for {} s: closed", PeerName.of(channel), patience.toSeconds());
            channel.close();
        } else {
            place = mark();
            await(patience);
        }
    }

    /** Returns where the mark stands, which is put at the end of the queue if it is not in it. */
    private Place mark() {
        final ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        if (queue != null && !queue.isEmpty() && find().equals(Place.GONE)) {
            queue.addMessage(mark, 0, channel.voidPromise());
            queue.addFlush();
        }
        return find();
    }

    private Place find() {
        final ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        if (queue == null) {
            return Place.GONE;
        }
        final int[] before = new int[1];
        final boolean[] found = new boolean[1];
        try {
            queue.forEachFlushedMessage(message -> {
                found[0] = message == mark;
                before[0]++;
                return !found[0];
            });
        } catch (final Exception e) {
            throw new IllegalStateException(e);
        }
        return found[0] ? new Place(before[0], queue.currentProgress()) : Place.GONE;
    }

    /** Watches no more. */
    void end() {
        final Future<?> timer = next;
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
