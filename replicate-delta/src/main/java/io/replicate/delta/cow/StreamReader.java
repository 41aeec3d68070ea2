package io.replicate.delta.cow;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads an exception store forwards, from a pipe. Each area names data that follows, in any order. Memory does
 * not depend on what the header says. A stream is only accepted whole: up to the closing area and its data and, if it
 * has our marker, with a trailer whose checksums match. Used once, by one thread.
 */
public final class StreamReader {
    private static final int PIECE_BYTES = 256 << 10;

    /**
     * How far behind its area data may lie. Old kernels committed in any order what they copied at the same time; what
     * is further away is taken for damage, before a pipe is read to its end in search of it.
     */
    public static final int AHEAD_CHUNKS = 1 << 16;

    private final ReadableByteChannel in;
    private final String where;
    private final boolean lenient;
    private final AreaSums sums = new AreaSums();
    private final ByteBuffer piece = Alignment.buffer(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long offset;
    private long exceptions;
    private long lastData;
    private boolean primed;

    /**
     * Creates a reader.
     *
     * @param where names the stream in messages.
     * @param lenient whether a bare stream may end behind a full area.
     */
    public StreamReader(final ReadableByteChannel in, final String where, final boolean lenient) {
        this.in = in;
        this.where = where;
        this.lenient = lenient;
    }

    /**
     * What was read.
     *
     * @param header of the stream.
     * @param exceptions in it.
     * @param bodyBytes from the header to the last data chunk.
     * @param bodySha256 of these bytes, in hexadecimal.
     * @param samples of the trailer; empty for a bare stream.
     */
    public record Result(
            HeaderChunk header, long exceptions, long bodyBytes, String bodySha256, List<Trailer.Sample> samples) {}

    /**
     * Reads the stream to its end.
     *
     * @throws ReplicationException CORRUPT when it is cut, damaged or not a store.
     */
    public Result read(final StreamVisitor visitor) throws IOException {
        final HeaderChunk header = readHeader(visitor);
        final SnapLayout layout = header.layout();
        long area = 0;
        boolean open = true;
        while (open) {
            final long start = layout.areaOffset(area);
            final boolean first = fill(1);
            if (!first && !canEndHere(header)) {
                throw cut("area " + area + " (offset " + start + ") is missing"
                        + (header.marker() == null
                                ? "; a stream of old dds ends like this, but so does one that was cut: --lenient reads"
                                        + " it"
                                : ""));
            }
            sums.beginArea();
            if (!first) {
                closeWithEmptyArea(layout, visitor);
                break;
            }
            open = readArea(layout, area, visitor);
            visitor.areaDone(area, offset);
            area = Math.addExact(area, 1);
        }
        sums.endArea();
        return finish(header);
    }

    private boolean canEndHere(final HeaderChunk header) {
        return lenient && header.marker() == null;
    }

    private HeaderChunk readHeader(final StreamVisitor visitor) throws IOException {
        if (!fill(SnapHeader.SECTOR_BYTES)) {
            throw cut("the header is missing");
        }
        final HeaderChunk header = HeaderChunk.parse(piece.slice(0, SnapHeader.SECTOR_BYTES), where);
        visitor.header(header);
        pass(SnapHeader.SECTOR_BYTES, visitor);
        while (offset < header.layout().chunkBytes()) {
            need(1, "the header chunk");
            final int n = (int) Math.min(piece.remaining(), header.layout().chunkBytes() - offset);
            HeaderChunk.requireZero(piece, piece.position(), piece.position() + n, where);
            pass(n, visitor);
        }
        return header;
    }

    /** Reads an area and the data behind it; returns whether another area follows. */
    private boolean readArea(final SnapLayout layout, final long area, final StreamVisitor visitor) throws IOException {
        final EntryRules rules = new EntryRules(layout, where);
        final long end = layout.areaOffset(area) + layout.chunkBytes();
        final long bound = Math.max(layout.areaChunk(area + 2), layout.areaChunk(area) + AHEAD_CHUNKS);
        long index = 0;
        boolean full = true;
        while (offset < end) {
            need(SnapLayout.ENTRY_BYTES, "area " + area);
            final int n = (int) Math.min(piece.remaining() & -SnapLayout.ENTRY_BYTES, end - offset);
            for (int at = 0; full && at < n; at += SnapLayout.ENTRY_BYTES) {
                final long oldChunk = piece.getLong(piece.position() + at);
                final long newChunk = piece.getLong(piece.position() + at + 8);
                if (newChunk == 0) {
                    full = false;
                } else {
                    rules.check(area, index, oldChunk, newChunk, bound);
                    visitor.entry(oldChunk, newChunk);
                    lastData = Math.max(lastData, newChunk);
                    index++;
                }
            }
            pass(n, visitor);
        }
        exceptions += index;
        final long dataEnd = full ? layout.areaOffset(area + 1) : Math.max(end, (lastData + 1) * layout.chunkBytes());
        while (offset < dataEnd) {
            need(1, "the data behind area " + area);
            pass((int) Math.min(piece.remaining(), dataEnd - offset), visitor);
        }
        return full;
    }

    private void closeWithEmptyArea(final SnapLayout layout, final StreamVisitor visitor) throws IOException {
        final ByteBuffer zeros = Alignment.buffer((int) Math.min(PIECE_BYTES, layout.chunkBytes()));
        final long end = offset + layout.chunkBytes();
        while (offset < end) {
            sums.update(zeros);
            visitor.bytes(offset, zeros.duplicate());
            offset += zeros.capacity();
        }
    }

    private Result finish(final HeaderChunk header) throws IOException {
        final long body = offset;
        final String bodySha = HexFormat.of().formatHex(sums.sha256SoFar());
        final @Nullable Marker marker = header.marker();
        if (marker == null) {
            return new Result(header, exceptions, body, bodySha, List.of());
        }
        if (marker.exceptions() != exceptions) {
            throw ReplicationException.corrupt(
                    where + ": " + exceptions + " exceptions were found, the header says " + marker.exceptions());
        }
        final int[] crcs = sums.areaCrcs();
        need(Trailer.FIXED_BYTES, "the trailer");
        int rest = Trailer.checkFixed(piece.slice(), crcs.length, exceptions, body, where);
        final ByteBuffer kept = ByteBuffer.allocate(rest);
        skip(Trailer.FIXED_BYTES);
        while (rest > 0) {
            need(1, "the trailer");
            final int n = Math.min(piece.remaining(), rest);
            kept.put(piece.slice(piece.position(), n));
            skip(n);
            rest -= n;
        }
        need(Trailer.SHA_BYTES, "the trailer");
        final byte[] expected = sums.sha256();
        final byte[] found = new byte[Trailer.SHA_BYTES];
        piece.get(found);
        final List<Trailer.Sample> samples = Trailer.checkRest(kept.flip(), crcs, header.layout(), where);
        if (!java.security.MessageDigest.isEqual(expected, found)) {
            throw ReplicationException.corrupt(
                    where + ": the SHA-256 of the stream does not match: it was changed on the way");
        }
        return new Result(header, exceptions, body, bodySha, samples);
    }

    private void skip(final int n) {
        sums.update(piece.slice(piece.position(), n));
        piece.position(piece.position() + n);
    }

    private void pass(final int n, final StreamVisitor visitor) throws IOException {
        final ByteBuffer bytes = piece.slice(piece.position(), n);
        sums.update(bytes);
        visitor.bytes(offset, bytes);
        piece.position(piece.position() + n);
        offset += n;
    }

    /** Makes at least {@code n} bytes ready in the piece; false when the stream ends with none. */
    private boolean fill(final int n) throws IOException {
        if (!primed) {
            piece.limit(0);
            primed = true;
        }
        if (piece.remaining() >= n) {
            return true;
        }
        piece.compact();
        boolean ended = false;
        while (piece.position() < n && !ended) {
            ended = in.read(piece) < 0;
        }
        piece.flip();
        if (piece.hasRemaining() && piece.remaining() < n) {
            throw cut("it ends inside");
        }
        return piece.hasRemaining();
    }

    private void need(final int n, final String what) throws IOException {
        if (!fill(n)) {
            throw cut(what + " is missing");
        }
    }

    private ReplicationException cut(final String what) {
        return new CutStreamException(
                where + ": the stream was cut at offset " + (offset + piece.remaining()) + ": " + what);
    }
}
