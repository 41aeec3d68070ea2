package io.replicate.delta.peer;

import java.io.IOException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the peer now and then that we are at work, until it is closed: a peer that is silent is taken for dead. */
final class Heartbeat implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);
    private static final long BEAT_SECONDS = 5;

    private final ScheduledExecutorService timer;

    Heartbeat(final Wire wire) {
        timer = new ScheduledThreadPoolExecutor(1, task -> {
            final Thread thread = new Thread(task, "delta-heartbeat");
            thread.setDaemon(true);
            return thread;
        });
        final var unused = timer.scheduleAtFixedRate(() -> beat(wire), BEAT_SECONDS, BEAT_SECONDS, TimeUnit.SECONDS);
    }

    private static void beat(final Wire wire) {
        try {
            wire.send(Wire.WAIT);
        } catch (final IOException e) {
            log.debug("heartbeat: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        timer.shutdown(); // and no interrupt: that would close the channel that a beat is being written to
    }
}
