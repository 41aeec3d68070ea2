package io.replicate.delta.volume;

import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Finds the data of a chunk. Large indexes lie in an unnamed file that is mapped. Safe for use by several threads. */
final class SortedIndex implements AutoCloseable {
    private static final int SEGMENT_PAIRS = 1 << 20;

    private final List<LongBuffer> segments = new ArrayList<>();
    private final long size;
    private final FileChannel file;

    SortedIndex(final ExceptionList exceptions) throws IOException {
        final Path path = Files.createTempFile("replicate-delta-", ".idx");
        file = FileChannel.open(
                path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        size = exceptions.size();
        try (Pairs pairs = exceptions.sorted()) {
            for (long done = 0; done < size; done += SEGMENT_PAIRS) {
                final int n = (int) Math.min(SEGMENT_PAIRS, size - done);
                final LongBuffer segment = file.map(
                                FileChannel.MapMode.READ_WRITE,
                                done * SnapLayout.ENTRY_BYTES,
                                (long) n * SnapLayout.ENTRY_BYTES)
                        .asLongBuffer();
                for (int i = 0; i < n; i++) {
                    pairs.next();
                    segment.put(2 * i, pairs.oldChunk()).put(2 * i + 1, pairs.newChunk());
                }
                segments.add(segment);
            }
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    private long at(final long index, final int field) {
        return segments.get((int) (index / SEGMENT_PAIRS)).get(2 * (int) (index % SEGMENT_PAIRS) + field);
    }

    /** Returns the index of the first exception whose chunk is not below this one. */
    long ceiling(final long oldChunk) {
        long low = 0;
        long high = size;
        while (low < high) {
            final long middle = (low + high) >>> 1;
            if (at(middle, 0) < oldChunk) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Returns the origin's chunk of an exception, or {@link Long#MAX_VALUE} behind the last. */
    long oldChunk(final long index) {
        return index < size ? at(index, 0) : Long.MAX_VALUE;
    }

    /** Returns the store's chunk of an exception. */
    long newChunk(final long index) {
        return at(index, 1);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    static ByteBuffer piece(final ByteBuffer of, final int length) {
        final ByteBuffer piece = of.slice(of.position(), length);
        of.position(of.position() + length);
        return piece;
    }
}
