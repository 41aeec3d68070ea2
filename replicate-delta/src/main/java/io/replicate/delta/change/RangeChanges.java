package io.replicate.delta.change;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;

/** Makes chunks of byte ranges, which may come in any order, overlap, and reach over the end of the image. */
final class RangeChanges implements AutoCloseable {
    private final SnapLayout layout;
    private final long imageBytes;
    private final ExceptionList raw = new ExceptionList();
    private long last = -1;
    private boolean ascending = true;

    RangeChanges(final SnapLayout layout, final long imageBytes) {
        this.layout = layout;
        this.imageBytes = imageBytes;
    }

    /** Adds a range; what lies behind the image, as after a volume was made smaller, is left out. */
    void add(final long offset, final long length) throws IOException {
        if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
            throw ReplicationException.corrupt("a change at offset " + offset + " of length " + length);
        }
        final long end = Math.min(offset + length, imageBytes);
        if (offset >= end) {
            return;
        }
        final long to = (end - 1) / layout.chunkBytes();
        for (long chunk = offset / layout.chunkBytes(); chunk <= to; chunk++) {
            if (chunk != last) {
                ascending &= chunk > last;
                raw.entry(chunk, 0);
                last = chunk;
            }
        }
    }

    /** Returns the chunks, each once, ascending. */
    Changes finish() throws IOException {
        if (ascending) {
            return new Changes(layout, raw);
        }
        final ExceptionList distinct = new ExceptionList();
        try (raw;
                Pairs sorted = raw.sorted()) {
            long before = -1;
            while (sorted.next()) {
                if (sorted.oldChunk() != before) {
                    before = sorted.oldChunk();
                    distinct.entry(before, 0);
                }
            }
        }
        return new Changes(layout, distinct);
    }

    @Override
    public void close() {
        raw.close();
    }
}
