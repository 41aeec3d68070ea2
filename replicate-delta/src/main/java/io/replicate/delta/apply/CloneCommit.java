package io.replicate.delta.apply;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.Cancellation;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Changes a target by changing a clone of it, which takes its name once the state says CLONE: readers see the old image
 * or the new one. Used by one thread.
 */
final class CloneCommit {
    private static final int RETELL_BYTES = 1 << 20;

    private final TargetParts parts;

    CloneCommit(final TargetParts parts) {
        this.parts = parts;
    }

    /** Changes the clone by a whole, durable part file, and publishes it; returns how many bytes were written. */
    long run(final TargetImage clone, final Spool.Received received, final long imageBytes, final String next)
            throws IOException {
        final long written;
        boolean committed = false;
        try (StateFile spool = parts.directory().open(Spool.PART)) {
            final StoreReader store = StoreReader.open(spool, Spool.PART);
            written = new Applier(store, clone, imageBytes, RangeListener.NONE, new Cancellation())
                    .apply(received.exceptions());
            clone.flush();
            parts.store(parts.state().clone(next, imageBytes, parts.cloner().cloneId()));
            committed = true;
            parts.cloner().publish();
            parts.replaceImage(clone);
            final RangeListener listener = parts.companion().begin(clone, imageBytes);
            if (listener != RangeListener.NONE) {
                retell(received, imageBytes, listener);
            }
        } finally {
            if (!committed) {
                clone.close();
                parts.cloner().discard();
            }
        }
        parts.companion().commit(next);
        parts.store(parts.state().idle(next, imageBytes));
        parts.directory().delete(Spool.PART);
        return written;
    }

    /** Tells a listener of what was changed, from the changed image. */
    private void retell(final Spool.Received received, final long imageBytes, final RangeListener listener)
            throws IOException {
        final long chunk = received.result().header().layout().chunkBytes();
        final ByteBuffer buffer = Alignment.buffer((int) Math.min(chunk, RETELL_BYTES));
        try (Pairs pairs = received.exceptions().sorted()) {
            while (pairs.next()) {
                final long end = Math.min(imageBytes, (pairs.oldChunk() + 1) * chunk);
                for (long at = pairs.oldChunk() * chunk; at < end; at += buffer.limit()) {
                    parts.image().read(at, buffer.clear().limit((int) Math.min(buffer.capacity(), end - at)));
                    listener.written(at, buffer.flip());
                }
            }
        }
        listener.done();
    }

    /** Gives a clone that was committed before a crash the target's name, if it has not got it yet. */
    void complete() throws IOException {
        final TargetState state = parts.state();
        final Cloner cloner = parts.cloner();
        final boolean renamed = cloner.targetId() == state.inode();
        if (!renamed && cloner.cloneId() != state.inode()) {
            // The clone is gone: the target is the old one.
            parts.store(state.idle(state.generation(), state.imageBytes()));
        } else {
            parts.companion().invalidate(); // what was kept beside is made anew later
            if (!renamed) {
                cloner.publish();
            }
            parts.replaceImage(cloner.reopen());
            parts.store(state.idle(state.next(), state.imageBytes()));
        }
        parts.directory().delete(Spool.PART);
    }
}
