package io.replicate.core.posix;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Batches for whoever needs one. They are kept for the life of the process, a few: to give one up takes the kernel tens of
 * milliseconds. Safe for concurrent use.
 */
final class BatchPool {
    private static final int MOST = 16;
    private static final BatchPool SHARED = new BatchPool(Posix.get());

    private final Posix posix;
    private final ConcurrentLinkedQueue<Batch> idle = new ConcurrentLinkedQueue<>();
    private final AtomicInteger made = new AtomicInteger();

    private BatchPool(Posix posix) {
        this.posix = posix;
    }

    static BatchPool of(Posix posix) {
        return posix == Posix.get() ? SHARED : new BatchPool(posix);
    }

    /** Returns a batch, to be given back; null where there is none to be had. */
    @Nullable
    Batch take() {
        Batch batch = idle.poll();
        if (batch != null || made.get() >= MOST) {
            return batch;
        }
        if (made.getAndIncrement() >= MOST) {
            made.set(MOST);
            return null;
        }
        batch = Batch.create(posix);
        if (batch == null) {
            made.set(MOST); // what was refused is not asked for again
        }
        return batch;
    }

    void giveBack(Batch batch) {
        idle.add(batch);
    }
}
