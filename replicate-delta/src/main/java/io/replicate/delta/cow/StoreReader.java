package io.replicate.delta.cow;

import io.replicate.core.posix.Alignment;
import io.replicate.core.posix.Pieces;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An exception store that can be read anywhere: a COW device, or a file with a stream in it. Nothing behind the last
 * area is looked at, but for the data chunks that exceptions name. Used by one thread.
 */
public final class StoreReader {
    /** What is read at once of an area: memory is bound by this, whatever the header says. */
    private static final int PIECE_BYTES = 256 << 10;

    private final RandomBytes in;
    private final String where;
    private final HeaderChunk header;
    private final EntryRules rules;
    private final long endChunk;

    private StoreReader(final RandomBytes in, final String where, final HeaderChunk header, final long endChunk) {
        this.in = in;
        this.where = where;
        this.header = header;
        this.rules = new EntryRules(header.layout(), where);
        this.endChunk = endChunk;
    }

    /**
     * Opens a store.
     *
     * @param where for messages.
     * @throws ReplicationException CORRUPT when the header is not that of a valid store.
     */
    public static StoreReader open(final RandomBytes in, final String where) throws IOException {
        final ByteBuffer sector = Alignment.buffer(SnapHeader.SECTOR_BYTES);
        if (in.size() < sector.capacity()) {
            throw ReplicationException.corrupt(where + ": " + in.size() + " bytes are no exception store");
        }
        in.read(0, sector);
        final HeaderChunk header = HeaderChunk.parse(sector.flip(), where);
        return new StoreReader(in, where, header, in.size() / header.layout().chunkBytes());
    }

    public HeaderChunk header() {
        return header;
    }

    public SnapLayout layout() {
        return header.layout();
    }

    /** Returns the name for messages. */
    public String where() {
        return where;
    }

    /**
     * Passes every exception to the visitor, in order, each checked by itself.
     *
     * @param lenient whether the store may end behind a full area, as old dds wrote it.
     * @return the number of exceptions.
     * @throws ReplicationException CORRUPT at the first that cannot be.
     */
    public long scan(final EntryVisitor visitor, final boolean lenient) throws IOException {
        final SnapLayout layout = layout();
        final ByteBuffer piece = Alignment.buffer((int) Math.min(layout.chunkBytes(), PIECE_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        long count = 0;
        for (long area = 0; ; area++) {
            if (layout.areaChunk(area) >= endChunk) {
                if (lenient && layout.areaOffset(area) == in.size()) {
                    return count;
                }
                throw ReplicationException.corrupt(where + ": area " + area + " (offset " + layout.areaOffset(area)
                        + ") is missing: the store is cut, or was written without a closing area (--lenient reads"
                        + " those)");
            }
            final long found = scanArea(area, piece, visitor);
            count += found;
            if (found < layout.entriesPerArea()) {
                return count;
            }
        }
    }

    private long scanArea(final long area, final ByteBuffer piece, final EntryVisitor visitor) throws IOException {
        final long offset = layout().areaOffset(area);
        final int pieceBytes = piece.capacity();
        long index = 0;
        for (long at = 0; at < layout().chunkBytes(); at += pieceBytes) {
            in.read(offset + at, piece.clear());
            piece.flip();
            while (piece.hasRemaining()) {
                final long oldChunk = piece.getLong();
                final long newChunk = piece.getLong();
                if (newChunk == 0) {
                    return index;
                }
                rules.check(area, index, oldChunk, newChunk, endChunk);
                visitor.entry(oldChunk, newChunk);
                index++;
            }
        }
        return index;
    }

    /** Returns all exceptions, each origin chunk and each data chunk named once. The caller closes the list. */
    public ExceptionList exceptions(final boolean lenient) throws IOException {
        final ExceptionList list = new ExceptionList();
        boolean complete = false;
        try {
            scan(list, lenient);
            list.requireUnique(where);
            complete = true;
            return list;
        } finally {
            if (!complete) {
                list.close();
            }
        }
    }

    /** Returns the length of what the store lies in, in bytes. */
    public long bytes() throws IOException {
        return in.size();
    }

    /** Reads {@code into.remaining()} bytes of the store at {@code offset}. */
    public void readBytes(final long offset, final ByteBuffer into) throws IOException {
        in.read(offset, into);
    }

    /** As {@link #readBytes}, of every piece into its part of the buffer, whose position and limit stay. */
    public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
        in.readAll(pieces, into);
    }
}
