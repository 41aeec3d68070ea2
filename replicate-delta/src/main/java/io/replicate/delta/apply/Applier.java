package io.replicate.delta.apply;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.Cancellation;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Writes the changes of a store into a target, sorted by place; what adjoins becomes one write. To do it again, or
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
        try (Pairs pairs = exceptions.sorted()) {
            boolean more = pairs.next();
            while (more) {
                final long start = pairs.oldChunk() * chunk;
                buffer.clear();
                if (chunk > WRITE_BYTES) {
                    applyLarge(start, pairs.newChunk() * chunk);
                    more = pairs.next();
                } else {
                    more = gather(pairs, chunk);
                    write(start, buffer.flip());
                }
            }
        }
        listener.done();
        return written;
    }

    /** Fills the buffer with the chunks that follow each other in the target; reads as one what is one in the store. */
    private boolean gather(final Pairs pairs, final long chunk) throws IOException {
        final long firstOld = pairs.oldChunk();
        long count = 0;
        long runNew = pairs.newChunk();
        long run = 0;
        boolean more = true;
        while (more && pairs.oldChunk() == firstOld + count && (count + 1) * chunk <= WRITE_BYTES) {
            if (pairs.newChunk() != runNew + run) {
                read(runNew, run, chunk);
                runNew = pairs.newChunk();
                run = 0;
            }
            run++;
            count++;
            more = pairs.next();
        }
        read(runNew, run, chunk);
        return more;
    }

    private void read(final long newChunk, final long chunks, final long chunk) throws IOException {
        final int end = (int) (buffer.position() + chunks * chunk);
        store.readBytes(newChunk * chunk, buffer.limit(end));
        buffer.limit(buffer.capacity());
    }

    private void applyLarge(final long start, final long from) throws IOException {
        final long end = Math.min(start + store.layout().chunkBytes(), imageBytes);
        for (long at = start; at < end; at += WRITE_BYTES) {
            buffer.clear().limit((int) Math.min(WRITE_BYTES, end - at));
            store.readBytes(from + at - start, buffer);
            write(at, buffer.flip());
        }
    }

    private void write(final long offset, final ByteBuffer bytes) throws IOException {
        cancellation.check();
        final int length = (int) Math.min(bytes.remaining(), imageBytes - offset);
        bytes.limit(bytes.position() + length);
        target.write(offset, bytes.duplicate());
        listener.written(offset, bytes.duplicate());
        written += length;
    }
}
