package io.replicate.ring.internal;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.ring.NodeListener;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Says that a node reads again what an earlier run left on a device, and ends it when the node stops. One thread. */
final class Rereading implements StoredDigest.Watch {
    private static final long EVERY_NS = TimeUnit.SECONDS.toNanos(10);

    private final NodeListener listener;
    private final BooleanSupplier stopped;
    private long nextNs = System.nanoTime();

    Rereading(final NodeListener listener, final BooleanSupplier stopped) {
        this.listener = listener;
        this.stopped = stopped;
    }

    @Override
    public void at(final long offset, final long sizeBytes) throws ReplicationException {
        if (stopped.getAsBoolean()) {
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "stopped while reading again what an earlier run left");
        }
        final long now = System.nanoTime();
        if (now - nextNs >= 0) {
            nextNs = now + EVERY_NS;
            listener.event("reading again what an earlier run left on the device: " + Sizes.format(offset) + " of "
                    + Sizes.format(sizeBytes));
        }
    }
}
