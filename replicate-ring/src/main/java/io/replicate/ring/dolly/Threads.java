package io.replicate.ring.dolly;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Daemon threads with names, and closing where a failure changes nothing. */
final class Threads {
    private static final Logger log = LoggerFactory.getLogger(Threads.class);
    private static final long STACK_BYTES = 256 << 10;

    private Threads() {}

    static Thread start(final String name, final Runnable work) {
        final Thread thread = new Thread(null, work, name, STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void closeQuietly(final AutoCloseable resource) {
        try {
            resource.close();
        } catch (final Exception e) {
            log.debug("close {}: {}", resource, e.getMessage());
        }
    }

    static void join(final Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
