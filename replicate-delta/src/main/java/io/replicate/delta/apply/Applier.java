package io.replicate.delta.apply;

import io.replicate.core.posix.Alignment;
import io.replicate.core.posix.Pieces;
import io.replicate.core.spi.Cancellation;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Writes the changes of a store into a target, sorted by place; what adjoins becomes one write, and many
 * go together. To do it again, or
 * again from the beginning after a crash, leads to the same target. Used by one thread.
 */
final class Applier {
    private static final int WRITE_BYTES = 1 << 20;

    private final StoreReader store;
    private final TargetImage target;
    private final long imageBytes;
    private final RangeListener listener;
    private final Cancellation cancellation;
    private final ByteBuffer buffer = Alignment.buffer(WRITE_BYTES);
    private long written;

    /**
     * Creates an applier.
     *
     * @param imageBytes behind which nothing is written: the last chunk may be longer than the image.
     */
    Applier(
            final StoreReader store,
            final TargetImage target,
            final long imageBytes,
            final RangeListener listener,
            final Cancellation cancellation) {
        this.store = store;
        this.target = target;
        this.imageBytes = imageBytes;
        this.listener = listener;
        this.cancellation = cancellation;
    }

    /** Writes everything, not yet durable, and returns how many bytes. */
    long apply(final ExceptionList exceptions) throws IOException {
        final long chunk = store.layout().chunkBytes();
        final int most = (int) Math.max(1, WRITE_BYTES / chunk);
        final Pieces from = new Pieces(most);
        final Pieces to = new Pieces(most);
        try (Pairs pairs = exceptions.sorted()) {
            boolean more = pairs.next();
            while (more) {
                if (chunk > WRITE_BYTES) {
                    applyLarge(pairs.oldChunk() * chunk, pairs.newChunk() * chunk);
                    more = pairs.next();
                } else {
                    more = gather(pairs, (int) chunk, from, to);
                    store.readAll(from, buffer);
                    write(to);
                }
            }
        }
        listener.done();
        return written;
    }

    /** Plans as many of the next chunks as fit; what adjoins is read, or written, as one. */
    private boolean gather(final Pairs pairs, final int chunk, final Pieces from, final Pieces to) throws IOException {
        from.clear();
        to.clear();
        boolean more = true;
        for (int at = 0; more && at + chunk <= WRITE_BYTES; at += chunk) {
            final long start = pairs.oldChunk() * chunk;
            from.append(pairs.newChunk() * chunk, at, chunk);
            to.append(start, at, (int) Math.min(chunk, imageBytes - start));
            more = pairs.next();
        }
        return more;
    }

    private void applyLarge(final long start, final long from) throws IOException {
        final long end = Math.min(start + store.layout().chunkBytes(), imageBytes);
        for (long at = start; at < end; at += WRITE_BYTES) {
            final int length = (int) Math.min(WRITE_BYTES, end - at);
            store.readBytes(from + at - start, buffer.clear().limit(length));
            final Pieces one = new Pieces(1);
            one.add(at, 0, length);
            write(one);
        }
    }

    private void write(final Pieces to) throws IOException {
        cancellation.check();
        target.writeAll(to, buffer.clear());
        for (int i = 0; i < to.count(); i++) {
            listener.written(to.offset(i), buffer.slice(to.position(i), to.length(i)));
            written += to.length(i);
        }
    }
}
