package io.replicate.ring.internal;

import io.replicate.core.block.BlockPool;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Daemon threads with names. */
final class RingThreads {
    private static final long STACK_BYTES = 256 << 10;
    private static final long POLL_NS = 2_000_000L;
    private static final long POOL_WAIT_NS = 5_000_000_000L;
    private static final Logger LOG = LoggerFactory.getLogger(RingThreads.class);

    private RingThreads() {}

    static Thread start(final String name, final Runnable work) {
        final Thread thread = new Thread(null, work, name, STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Closes a pool to which, by now, every block must have come back. */
    static void closePool(final BlockPool pool, final String owner) {
        waitUntil(() -> pool.lent() == 0, System.nanoTime() + POOL_WAIT_NS);
        final int lent = pool.lent();
        if (lent > 0) {
            LOG.error("{}: {} blocks did not come back", owner, lent);
        }
        pool.close();
    }

    /** Waits for a condition that no monitor belongs to; for shutdown only. */
    static void waitUntil(final BooleanSupplier condition, final long deadlineNs) {
        while (!condition.getAsBoolean() && System.nanoTime() < deadlineNs) {
            LockSupport.parkNanos(POLL_NS);
        }
    }
}
