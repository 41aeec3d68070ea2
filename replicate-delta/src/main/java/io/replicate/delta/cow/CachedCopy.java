package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/**
 * The data of exceptions straight from the page cache into an output: a bare stream has no checksum for which its bytes
 * would have to be read. Used by one thread.
 */
final class CachedCopy implements AutoCloseable {
    private static final int PLACES = 64;

    private final FileTaking out;
    private final FileChannel file;
    private final long imageBytes;
    private final ChunkData data;
    private final long chunkBytes;

    private CachedCopy(final FileTaking out, final FileChannel file, final ChunkData data, final SnapLayout layout)
            throws IOException {
        this.out = out;
        this.file = file;
        this.imageBytes = file.size();
        this.data = data;
        this.chunkBytes = layout.chunkBytes();
    }

    /** Returns a copy, or null where the output, or the data, is not of that kind. */
    static @Nullable CachedCopy of(
            final FileTaking out, final ChunkData data, final ExceptionList exceptions, final SnapLayout layout)
            throws IOException {
        final @Nullable FileChannel file = out.takesFiles() ? data.cached(places(data, exceptions)) : null;
        return file == null ? null : new CachedCopy(out, file, data, layout);
    }

    private static long[] places(final ChunkData data, final ExceptionList exceptions) throws IOException {
        final int count = (int) Math.min(PLACES, exceptions.size());
        final long[] places = new long[count];
        for (int i = 0; i < count; i++) {
            try (Pairs pairs = exceptions.inOrder(exceptions.size() / count * i)) {
                pairs.next();
                places[i] = data.address(pairs.oldChunk(), pairs.newChunk());
            }
        }
        return places;
    }

    /** Writes zeros behind what was copied. */
    interface Zeros {
        void emit(long bytes) throws IOException;
    }

    /**
     * Copies the data of the next {@code count} exceptions; what adjoins is copied as one.
     *
     * @return how many bytes were copied, without the zeros.
     */
    long copy(final Pairs contents, final long count, final Zeros zeros) throws IOException {
        long copied = 0;
        long start = 0;
        long end = 0;
        for (long i = 0; i < count; i++) {
            contents.next();
            final long address = data.address(contents.oldChunk(), contents.newChunk());
            if (address != end) {
                copied += take(start, end, zeros);
                start = address;
            }
            end = address + chunkBytes;
        }
        return copied + take(start, end, zeros);
    }

    /** Only the last chunk of an image may reach over its end. */
    private long take(final long start, final long end, final Zeros zeros) throws IOException {
        final long there = Math.min(end, imageBytes);
        if (there > start) {
            out.take(file, start, there - start);
        }
        zeros.emit(end - there);
        return there - start;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
