package io.replicate.ring.internal;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.Child;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.DataReady;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds one child, over one link or several in turn, for as long as the server wants it fed: connects, asks where to
 * begin, sends, and begins again when the link breaks. One thread of its own.
 */
final class ChildSender implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(ChildSender.class);

    private final Child child;
    private final int epoch;
    private final SessionContext context;
    private final Feed feed;
    private final @Nullable Replayer replayer;
    private final StoredBytes stored;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<Wire> wires = new ArrayList<>();
    private volatile long sent;
    private boolean gone;
    private int attempts = -1;

    ChildSender(
            final Child child,
            final int epoch,
            final SessionContext context,
            final Feed feed,
            final @Nullable Replayer replayer,
            final StoredBytes stored) {
        this.child = child;
        this.epoch = epoch;
        this.context = context;
        this.feed = feed;
        this.replayer = replayer;
        this.stored = stored;
    }

    Child child() {
        return child;
    }

    /** Returns the position up to which the child was sent frames. */
    long sent() {
        return sent;
    }

    @Override
    public void run() {
        long failingSince = 0;
        while (!isClosed()) {
            final long sentBefore = sent;
            try {
                connectAndStream();
            } catch (final IOException e) {
                dropWires();
                if (isClosed()) {
                    return;
                }
                final long now = System.nanoTime();
                if (failingSince == 0 || sent > sentBefore) {
                    failingSince = now;
                }
                LOG.debug("child {}: {}", child.name(), e.getMessage());
                if (gone || now - failingSince >= context.deadAfter().toNanos() / 2) {
                    failingSince = now;
                    context.childLost(child.node(), gone, String.valueOf(e.getMessage()));
                }
                if (ReplicationException.categoryOf(e) == ReplicationException.Category.CANCELLED) {
                    return;
                }
            }
            pause();
        }
    }

    private void connectAndStream() throws IOException {
        gone = false;
        connect();
        final long start = ready();
        try (Feed.Cursor cursor = feed.cursor(start, replayer != null)) {
            sent = Math.max(sent, start);
            stream(cursor);
        } finally {
            dropWires();
        }
    }

    private void connect() throws IOException {
        // After a failure another interface comes first.
        attempts++;
        final int streams = Math.max(1, Math.min(child.streams(), SessionContext.MAX_STREAMS));
        for (int stream = 0; stream < streams; stream++) {
            final String address = child.addresses()
                    .get((stream + attempts) % child.addresses().size());
            final Link link = context.transport().connect(Locator.parse(address), context.deadAfter());
            final Wire wire = new Wire(link);
            if (!keep(wire)) {
                throw new ReplicationException(ReplicationException.Category.CANCELLED, "no longer a child");
            }
            link.timeout(context.deadAfter());
            context.authenticateOut(link);
            wire.send(new DataHello(ControlMessage.VERSION, context.session(), epoch, context.self(), stream, streams));
        }
    }

    private long ready() throws IOException {
        long start = 0;
        for (final Wire wire : wires()) {
            if (!(wire.receiveControl() instanceof DataReady ready) || ready.resumeFrom() < 0) {
                throw ReplicationException.corrupt(child.name() + " did not say where to begin");
            }
            start = ready.resumeFrom();
            wire.link().timeout(context.sendTimeout());
        }
        return start;
    }

    private void stream(final Feed.Cursor cursor) throws IOException {
        final List<Wire> targets = wires();
        int turn = 0;
        while (!isClosed()) {
            final @Nullable Frame frame = next(cursor);
            if (frame == null) {
                for (final Wire wire : targets) {
                    wire.sendHeartbeat();
                }
                continue;
            }
            try {
                targets.get(turn).send(frame, stored);
                turn = (turn + 1) % targets.size();
                sent = frame.endPosition();
            } finally {
                frame.release();
            }
        }
    }

    private @Nullable Frame next(final Feed.Cursor cursor) throws IOException {
        final long limit = cursor.replayLimit();
        if (limit < 0) {
            final long wanted = cursor.position();
            final @Nullable Frame frame = cursor.next(context.heartbeat());
            return frame != null && frame.position() < wanted ? FrameTail.of(frame, wanted) : frame;
        }
        if (replayer == null) {
            gone = true;
            throw ReplicationException.fail(
                    child.name() + " needs offset " + cursor.position() + ", which is no longer in memory", null);
        }
        final Frame frame = replayer.read(cursor.position(), limit);
        cursor.seek(frame.endPosition());
        return frame;
    }

    private void pause() {
        try {
            if (closed.await(context.heartbeat().toMillis() / 2, TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
        }
    }

    private synchronized boolean keep(final Wire wire) {
        if (isClosed()) {
            wire.close();
            return false;
        }
        wires.add(wire);
        return true;
    }

    private synchronized List<Wire> wires() {
        return List.copyOf(wires);
    }

    private synchronized void dropWires() {
        wires.forEach(Wire::close);
        wires.clear();
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Stops feeding the child. */
    void close() {
        closed.countDown();
        dropWires();
    }

    /** Waits for the thread of a closed sender to be done with the feed and the pool. */
    static void join(final Thread thread, final Duration wait) {
        try {
            thread.join(wait.toMillis());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
