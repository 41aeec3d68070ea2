package io.replicate.nbd.server;

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
@SuppressWarnings("FutureReturnValueIgnored") // a close that fails has no other end
final class Standstill {
    private static final Logger LOG = LoggerFactory.getLogger(Standstill.class);
    /** As long as Linux repeats itself to a host that is gone (net.ipv4.tcp_retries2). */
    static final Duration FROZEN = Duration.ofMinutes(15);

    /** What is queued: any byte that leaves changes it. */
    private record Queue(int messages, long bytes, long sentOfFirst) {
        static Queue of(Channel channel) {
            final ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
            return queue == null
                    ? new Queue(0, 0, 0)
                    : new Queue(queue.size(), queue.totalPendingWriteBytes(), queue.currentProgress());
        }
    }

    private final Channel channel;
    private @Nullable Future<?> next;
    private Queue before = new Queue(0, 0, 0);

    Standstill(Channel channel) {
        this.channel = channel;
    }

    /** Closes after one to two times this length in which nothing is taken; in place of what held before. */
    void watch(Duration patience) {
        end();
        if (channel.isOpen()) {
            before = Queue.of(channel);
            await(patience);
        }
    }

    private void await(Duration patience) {
        next = channel.eventLoop().schedule(() -> look(patience), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look(Duration patience) {
        final Queue now = Queue.of(channel);
        if (now.messages > 0 && now.equals(before)) {
            LOG.info("{}: took no reply for {} s: closed", channel.remoteAddress(), patience.toSeconds());
            channel.close();
        } else {
            before = now;
            await(patience);
        }
    }

    /** Watches no more. */
    void end() {
        final Future<?> timer = next;
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
