package io.replicate.delta.cow;

import io.replicate.core.posix.Alignment;
import io.replicate.core.posix.Pieces;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The data of exceptions in the order of a stream, read ahead of whoever takes it. Where the data can be read by several
 * threads it is, a window by each: scattered reads are only as fast as there are many under way. The reads of a window go
 * together where the system can do that. No window reaches over
 * the end of an area. Used by one thread.
 */
final class DataWindows implements AutoCloseable {
    /** The most that {@link #next} returns at once. */
    static final int WINDOW_BYTES = 256 << 10;

    private static final long STOP_SECONDS = 60;
    private static final int PLACES = 64;

    private final ChunkData data;
    private final SnapLayout layout;
    private final Pairs contents;
    private final int windowBytes;
    private final int ahead;
    private final @Nullable ExecutorService readers;
    private final Deque<Window> underWay = new ArrayDeque<>();
    private @Nullable Window taken;
    private long left;
    private long leftInArea;
    private long address;
    private long leftInChunk;

    /** Begins to read the data of all exceptions, in the cursor's order; that is borrowed until this is closed. */
    DataWindows(final ChunkData data, final SnapLayout layout, final Pairs contents, final ExceptionList exceptions)
            throws IOException {
        this.data = data;
        this.layout = layout;
        this.contents = contents;
        this.left = exceptions.size();
        final long all = Math.min(WINDOW_BYTES, layout.chunkBytes()) * Math.min(left, WINDOW_BYTES);
        this.windowBytes = (int) Math.min(WINDOW_BYTES, all);
        final boolean much = left * Math.min(layout.chunkBytes(), all) > 2L * WINDOW_BYTES;
        this.ahead = much ? data.readers(places(exceptions)) : 1;
        this.readers = ahead > 1 ? Executors.newFixedThreadPool(ahead, DataWindows::reader) : null;
    }

    /** Returns where some of the data is. */
    private long[] places(final ExceptionList exceptions) throws IOException {
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

    private static Thread reader(final Runnable work) {
        final Thread thread = new Thread(work, "delta-reader");
        thread.setDaemon(true);
        return thread;
    }

    /** Chunks that are read into one buffer; or a piece of one that is larger than that. */
    private final class Window {
        private final ByteBuffer buffer = Alignment.buffer(windowBytes);
        private final long[] addresses = new long[Math.max(1, (int) (windowBytes / layout.chunkBytes()))];
        private final Pieces pieces = new Pieces(addresses.length);
        private int count;
        private @Nullable Future<?> filling;

        /** Takes the next chunks, as many as fit; false when there are none. */
        boolean plan() throws IOException {
            if (layout.chunkBytes() > windowBytes) {
                return planPiece();
            }
            if (leftInArea == 0) {
                leftInArea = Math.min(left, layout.entriesPerArea());
            }
            count = (int) Math.min(leftInArea, addresses.length);
            for (int i = 0; i < count; i++) {
                contents.next();
                addresses[i] = data.address(contents.oldChunk(), contents.newChunk());
            }
            buffer.clear().limit((int) (count * layout.chunkBytes()));
            left -= count;
            leftInArea -= count;
            return count > 0;
        }

        private boolean planPiece() throws IOException {
            if (leftInChunk == 0) {
                if (left == 0) {
                    return false;
                }
                contents.next();
                address = data.address(contents.oldChunk(), contents.newChunk());
                leftInChunk = layout.chunkBytes();
                left--;
            }
            addresses[0] = address;
            count = 1;
            buffer.clear();
            address += windowBytes;
            leftInChunk -= windowBytes;
            return true;
        }

        /** Reads what adjoins in the image as one. */
        void fill() throws IOException {
            final int chunk = buffer.limit() / count;
            pieces.clear();
            for (int i = 0; i < count; i++) {
                pieces.append(addresses[i], i * chunk, chunk);
            }
            data.readAll(pieces, buffer);
        }
    }

    /** Returns the next data, at most up to the end of its area; valid until the next call. */
    ByteBuffer next() throws IOException {
        if (taken != null) {
            start(taken);
        }
        while (underWay.size() < ahead && start(new Window())) {
            // until enough are under way
        }
        final Window window = underWay.remove();
        taken = window;
        await(window);
        return window.buffer;
    }

    private boolean start(final Window window) throws IOException {
        taken = null;
        if (!window.plan()) {
            return false;
        }
        if (readers == null) {
            window.fill();
        } else {
            window.filling = readers.submit(() -> {
                window.fill();
                return null;
            });
        }
        underWay.add(window);
        return true;
    }

    private static void await(final Window window) throws IOException {
        if (window.filling == null) {
            return;
        }
        try {
            window.filling.get();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while reading");
        } catch (final ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw ReplicationException.fail("reading ahead: " + e.getCause(), e);
        }
    }

    /** Stops reading; on return nothing reads any more. */
    @Override
    public void close() throws IOException {
        if (readers == null) {
            return;
        }
        underWay.forEach(
                window -> java.util.Objects.requireNonNull(window.filling).cancel(false));
        readers.shutdown();
        try {
            if (!readers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
                throw ReplicationException.fail("a read of the source does not end", null);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while reading");
        }
    }
}
