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
    private static final int AREA_PIECE_BYTES = 256 << 10;

    private final WritableByteChannel out;
    private final SnapLayout layout;
    private final @Nullable Marker marker;
    private final @Nullable AreaSums sums;
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
        this.sums = marker == null ? null : new AreaSums(); // a bare stream has no place for checksums
    }

    /** Opens a cursor over the exceptions in the order in which they are written. */
    private interface Order {
        Pairs open() throws IOException;
    }

    /**
     * Writes the whole stream, in the order of the list.
     *
     * @param exceptions their data chunks are numbered anew.
     * @return the length in bytes, without the trailer.
     */
    public long write(final ExceptionList exceptions, final ChunkData data, final Samples samples) throws IOException {
        return write(exceptions, exceptions::inOrder, data, samples);
    }

    /** As {@link #write}, in the order of the origin's chunks: whoever reads the data, and writes it again, goes forwards. */
    public long writeSorted(final ExceptionList exceptions, final ChunkData data, final Samples samples)
            throws IOException {
        return write(exceptions, exceptions::sorted, data, samples);
    }

    private long write(final ExceptionList exceptions, final Order order, final ChunkData data, final Samples samples)
            throws IOException {
        final long count = exceptions.size();
        final long perArea = layout.entriesPerArea();
        writeHeader();
        try (Pairs entries = order.open();
                Pairs cursor = order.open();
                DataWindows windows = new DataWindows(data, layout, cursor, exceptions)) {
            for (long area = 0; area < layout.areas(count); area++) {
                if (sums != null) {
                    sums.beginArea();
                }
                final long inArea = Math.min(perArea, count - area * perArea);
                writeArea(entries, area * perArea, inArea);
                emitData(windows, inArea);
            }
        }
        final long body = offset;
        if (marker != null && sums != null) {
            sums.endArea();
            final ByteBuffer trailer = Trailer.encode(sums.areaCrcs(), count, body, samples.take());
            sums.update(trailer);
            writeFully(trailer);
            writeFully(ByteBuffer.wrap(sums.sha256()));
        }
        return body;
    }

    private void emitData(final DataWindows windows, final long exceptions) throws IOException {
        for (long left = exceptions * layout.chunkBytes(); left > 0; ) {
            final ByteBuffer bytes = windows.next();
            left -= bytes.remaining();
            emit(bytes);
        }
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
        final ByteBuffer piece = ByteBuffer.allocate((int) Math.min(AREA_PIECE_BYTES, layout.chunkBytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < inArea; i++) {
            entries.next();
            piece.putLong(entries.oldChunk()).putLong(layout.dataChunk(first + i));
            if (!piece.hasRemaining()) {
                emit(piece.flip());
                piece.clear();
            }
        }
        emit(piece.flip());
        emitZeros((layout.entriesPerArea() - inArea) * SnapLayout.ENTRY_BYTES);
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
        if (sums != null) {
            sums.update(bytes);
        }
        writeFully(bytes);
    }

    private void writeFully(final ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
