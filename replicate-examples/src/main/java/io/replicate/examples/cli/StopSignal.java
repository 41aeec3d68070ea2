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
    private final Thread hook = new Thread(this::stop, "stop");
    private volatile Runnable action = () -> {};
    private volatile boolean received;

    private StopSignal() {}

    /** Listens from now on. */
    static StopSignal listen() {
        final StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    /** Runs {@code stop} when a signal comes, or now if it came before; more than once is possible. */
    void then(final Runnable stop) {
        action = stop;
        if (received) {
            stop.run();
        }
    }

    private void stop() {
        received = true;
        action.run();
        try {
            if (!reported.await(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("replicate: not stopped after " + LONGEST_STOP_SECONDS + " s, leaving");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
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
