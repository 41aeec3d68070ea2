package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.time.Duration;

/** Zeros, for so many bytes or for so long, whichever ends first. */
final class DummySource implements StreamSource {
    private long left;
    private final Deadline deadline;

    /**
     * Creates it.
     *
     * @param bytes to send; 0 for no limit.
     * @param time to send; zero for no limit.
     */
    DummySource(final long bytes, final Duration time) {
        this.left = bytes == 0 ? Long.MAX_VALUE : bytes;
        this.deadline = Deadline.in(time.isZero() ? ControlLink.FOR_EVER : time);
    }

    @Override
    public boolean read(final Block into, final int most) {
        final int length = deadline.passed() ? 0 : (int) Math.min(left, most);
        left -= length;
        into.length(length); // a pooled block is lent with what was in it: all zeros, as nobody else fills these
        return length > 0;
    }

    @Override
    public void close() {}
}
