package io.replicate.core.job;

import io.replicate.core.spi.ReplicationException;

/** The time that passes: an argument, so that tests own it. Thread-safe. */
public interface NanoClock {

    /** The clock of this machine. */
    NanoClock SYSTEM = new NanoClock() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public void sleep(final long durationNs) throws ReplicationException {
            try {
                Thread.sleep(durationNs / 1_000_000L, (int) (durationNs % 1_000_000L));
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted while waiting", e);
            }
        }
    };

    /** Returns the nanoseconds since some fixed moment. */
    long nanoTime();

    /**
     * Returns after about {@code durationNs} nanoseconds.
     *
     * @throws ReplicationException CANCELLED when the thread is interrupted.
     */
    void sleep(long durationNs) throws ReplicationException;
}
