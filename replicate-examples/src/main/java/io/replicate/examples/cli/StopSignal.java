package io.replicate.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Stops a job cleanly on SIGINT and SIGTERM: runs an action, and holds the JVM until this is closed, when everything has
 * been reported. The JVM then ends with 130 or 143.
 */
final class StopSignal implements AutoCloseable {
    private static final long LONGEST_STOP_SECONDS = 60;

    private final CountDownLatch reported = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean received;

    private StopSignal(final Runnable stop) {
        hook = new Thread(
                () -> {
                    received = true;
                    stop.run();
                    try {
                        if (!reported.await(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
                            System.err.println("replicate: not stopped after " + LONGEST_STOP_SECONDS + " s, leaving");
                        }
                    } catch (final InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "stop");
    }

    /** Runs {@code stop} when a signal comes before this is closed. */
    static StopSignal on(final Runnable stop) {
        final StopSignal signal = new StopSignal(stop);
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    /** Returns whether a signal has come. */
    boolean received() {
        return received;
    }

    @Override
    public void close() {
        reported.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (final IllegalStateException e) {
            // The signal has come, and the hook is running: it may end now.
            received = true;
        }
    }
}
