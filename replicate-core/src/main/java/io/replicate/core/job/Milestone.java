package io.replicate.core.job;

/** Says when progress is to be made durable: after so many bytes or so much time, if there is any. One thread. */
final class Milestone {
    private final long intervalBytes;
    private final long intervalNs;
    private final NanoClock clock;
    private long lastBytes;
    private long lastNs;

    Milestone(final CopyOptions options, final NanoClock clock) {
        this.intervalBytes = options.checkpointBytes();
        this.intervalNs = options.checkpointInterval().toNanos();
        this.clock = clock;
        this.lastNs = clock.nanoTime();
    }

    boolean isDue(final long bytes) {
        return bytes - lastBytes >= intervalBytes || (bytes > lastBytes && clock.nanoTime() - lastNs >= intervalNs);
    }

    void passed(final long bytes) {
        lastBytes = bytes;
        lastNs = clock.nanoTime();
    }
}
