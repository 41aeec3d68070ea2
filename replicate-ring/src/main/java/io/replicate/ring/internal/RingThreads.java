package io.replicate.ring.internal;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Daemon threads with names. */
final class RingThreads {
    private static final long STACK_BYTES = 256 << 10;
    private static final long POLL_NS = 2_000_000L;

    private RingThreads() {}

    static Thread start(final String name, final Runnable work) {
        final Thread thread = new Thread(null, work, name, STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Waits for a condition that no monitor belongs to; for shutdown only. */
    static void waitUntil(final BooleanSupplier condition, final long deadlineNs) {
        while (!condition.getAsBoolean() && System.nanoTime() < deadlineNs) {
            LockSupport.parkNanos(POLL_NS);
        }
    }
}
