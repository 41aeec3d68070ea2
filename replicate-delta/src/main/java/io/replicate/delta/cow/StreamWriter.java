package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes an exception store forwards: header, and each area followed by its data, as the kernel's own allocation would
 * have placed them, up to the area that is not full. With a {@link Marker} it is followed by a {@link Trailer}. Used
 * once, by one thread.
 */
public final class StreamWriter {
    /** How much data is read at once, in the order of its addresses, and written in the order of the exceptions. */
    private static final int WINDOW_BYTES = 8 << 20;

    private static final int PIECE_BYTES = 1 << 20;

    private final WritableByteChannel out;
    private final SnapLayout layout;
    private final @Nullable Marker marker;
    private final AreaSums sums = new AreaSums();
    private ByteBuffer buffer = ByteBuffer.allocateDirect(0);
    private long offset;

    /** Gives the samples of a trailer, once everything before it has been written. */
    public interface Samples {
        /** No samples. */
        Samples NONE = List::of;

        List<Trailer.Sample> take() throws IOException;
    }

    /**
     * Creates a writer.
     *
     * @param out receives the stream; it is not closed.
     * @param marker or null for a bare stream.
     */
    public StreamWriter(final WritableByteChannel out, final SnapLayout layout, final @Nullable Marker marker) {
        this.out = out;
        this.layout = layout;
        this.marker = marker;
    }

    /**
     * Writes the whole stream.
     *
     * @param exceptions whose order is kept; their data chunks are numbered anew.
     * @return the length in bytes, without the trailer.
     */
    public long write(final ExceptionList exceptions, final ChunkData data, final Samples samples) throws IOException {
        final long perArea = layout.entriesPerArea();
        final long count = exceptions.size();
        buffer = ByteBuffer.allocateDirect(bufferBytes(count)).order(ByteOrder.LITTLE_ENDIAN);
        writeHeader();
        try (Pairs entries = exceptions.inOrder();
                Pairs contents = exceptions.inOrder()) {
            for (long area = 0; area < layout.areas(count); area++) {
                sums.beginArea();
                final long inArea = Math.min(perArea, count - area * perArea);
                writeArea(entries, area * perArea, inArea);
                writeData(contents, inArea, data);
            }
        }
        sums.endArea();
        final long body = offset;
        if (marker != null) {
            final ByteBuffer trailer = Trailer.encode(sums.areaCrcs(), count, body, samples.take());
            sums.update(trailer);
            writeFully(trailer);
            writeFully(ByteBuffer.wrap(sums.sha256()));
        }
        return body;
    }

    /** As many whole chunks as fit the window, and are there; chunks that do not fit it are read in pieces. */
    private int bufferBytes(final long count) {
        final long chunk = layout.chunkBytes();
        if (chunk > WINDOW_BYTES) {
            return PIECE_BYTES;
        }
        return (int) (chunk * Math.max(1, Math.min(WINDOW_BYTES / chunk, count)));
    }

    private void writeHeader() throws IOException {
        final ByteBuffer sector = ByteBuffer.allocate(SnapHeader.SECTOR_BYTES);
        new SnapHeader(layout).put(sector);
        sector.clear();
        if (marker != null) {
            marker.put(sector);
        }
        emit(sector);
        emitZeros(layout.chunkBytes() - SnapHeader.SECTOR_BYTES);
    }

    private void writeArea(final Pairs entries, final long first, final long inArea) throws IOException {
        buffer.clear();
        for (long i = 0; i < inArea; i++) {
            entries.next();
            buffer.putLong(entries.oldChunk()).putLong(layout.dataChunk(first + i));
            if (!buffer.hasRemaining()) {
                emit(buffer.flip());
                buffer.clear();
            }
        }
        emit(buffer.flip());
        emitZeros((layout.entriesPerArea() - inArea) * SnapLayout.ENTRY_BYTES);
    }

    private void writeData(final Pairs contents, final long inArea, final ChunkData data) throws IOException {
        if (layout.chunkBytes() > buffer.capacity()) {
            for (long i = 0; i < inArea; i++) {
                contents.next();
                writeInPieces(data.address(contents.oldChunk(), contents.newChunk()), data);
            }
            return;
        }
        final int chunk = (int) layout.chunkBytes();
        final int perWindow = buffer.capacity() / chunk;
        final long[] window = new long[2 * (int) Math.min(perWindow, inArea)];
        for (long left = inArea; left > 0; ) {
            final int n = (int) Math.min(perWindow, left);
            for (int i = 0; i < n; i++) {
                contents.next();
                window[2 * i] = data.address(contents.oldChunk(), contents.newChunk());
                window[2 * i + 1] = i;
            }
            readWindow(window, n, chunk, data);
            emit(buffer.clear().limit(n * chunk));
            left -= n;
        }
    }

    /** Reads a window in the order of addresses; what adjoins there and in the window is read as one. */
    private void readWindow(final long[] window, final int n, final int chunk, final ChunkData data)
            throws IOException {
        PairSort.sort(window, n);
        int i = 0;
        while (i < n) {
            int run = 1;
            while (i + run < n
                    && window[2 * (i + run)] == window[2 * i] + (long) run * chunk
                    && window[2 * (i + run) + 1] == window[2 * i + 1] + run) {
                run++;
            }
            final int at = (int) window[2 * i + 1] * chunk;
            data.read(window[2 * i], buffer.clear().limit(at + run * chunk).position(at));
            i += run;
        }
    }

    private void writeInPieces(final long address, final ChunkData data) throws IOException {
        for (long at = 0; at < layout.chunkBytes(); at += buffer.capacity()) {
            data.read(address + at, buffer.clear());
            emit(buffer.flip());
        }
    }

    private void emitZeros(final long length) throws IOException {
        final ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(64 << 10, length));
        for (long left = length; left > 0; left -= zeros.limit()) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), left));
            emit(zeros.duplicate());
        }
    }

    private void emit(final ByteBuffer bytes) throws IOException {
        offset += bytes.remaining();
        sums.update(bytes);
        writeFully(bytes);
    }

    private void writeFully(final ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
