package io.replicate.ring.internal;

import io.replicate.ring.internal.ControlMessage.Ping;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the server has to say to one node, in order, and a ping whenever there is nothing: sent by a thread of its own, so
 * that a node which stands still holds up nobody else.
 */
final class Outbox implements Runnable {
    private final Wire wire;
    private final Duration heartbeat;
    private final LinkedBlockingQueue<ControlMessage> messages = new LinkedBlockingQueue<>();
    private volatile boolean closing;
    private long pings;

    Outbox(final Wire wire, final Duration heartbeat) {
        this.wire = wire;
        this.heartbeat = heartbeat;
    }

    /** Takes a message; never waits. */
    void put(final ControlMessage message) {
        messages.add(message);
    }

    /** Lets the thread end when everything has been sent. */
    void finish() {
        closing = true;
        messages.add(new Ping(-1)); // wakes it
    }

    @Override
    public void run() {
        try {
            while (!closing || !messages.isEmpty()) {
                final @Nullable ControlMessage message = messages.poll(heartbeat.toMillis(), TimeUnit.MILLISECONDS);
                wire.send(message == null ? new Ping(pings++) : message);
            }
        } catch (final IOException e) {
            wire.close(); // whoever receives from it sees the loss
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
