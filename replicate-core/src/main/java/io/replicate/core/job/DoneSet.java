package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which extents of a copy are written, and their digest. Pieces are handed out in ascending order and come back in any;
 * what is complete from the beginning up to the <i>watermark</i> is folded into the digest and forgotten, so that the
 * set stays as small as the number of pieces under way. Safe for use by any thread.
 *
 * <p><b>Design note:</b> beyond the watermark stands a short list of entries and no bitmap, because the CRC of each is
 * needed for the digest once the gap before it closes.
 */
final class DoneSet {
    /** How many finished pieces may wait behind one that is late; more would grow the memory and the checkpoint. */
    private static final int MAX_WAITING = 4096;

    private static final int MAX_LOADED = 2 * MAX_WAITING;
    private static final int ENTRY_BYTES = 8 + 8 + 4 + 1;
    private static final String WATERMARK = "watermark";
    private static final String DIGEST = "digest";
    private static final String BEYOND = "beyond";

    private static final class Piece {
        final long offset;
        long length;
        int crc;
        boolean zero;
        boolean done;

        Piece(final long offset, final long length) {
            this.offset = offset;
            this.length = length;
        }

        long end() {
            return offset + length;
        }
    }

    private final TreeMap<Long, Piece> pieces = new TreeMap<>();
    private final ExtentDigest digest;
    /** Everything below it was handed out, or never will be. */
    private long cursor;

    DoneSet() {
        this(new ExtentDigest(), 0);
    }

    private DoneSet(final ExtentDigest digest, final long cursor) {
        this.digest = digest;
        this.cursor = cursor;
    }

    /** Returns the first byte at or behind {@code offset} that is not done. */
    synchronized long firstMissing(final long offset) {
        long at = Math.max(offset, cursor);
        for (Map.Entry<Long, Piece> e = pieces.floorEntry(at); e != null; e = pieces.floorEntry(at)) {
            if (e.getValue().end() <= at) {
                break;
            }
            at = e.getValue().end();
        }
        return at;
    }

    /** Returns where the next done piece behind {@code offset} begins, or {@code limit} when none does before that. */
    synchronized long nextDone(final long offset, final long limit) {
        final Long next = pieces.higherKey(offset);
        return next == null ? limit : Math.min(next, limit);
    }

    /** Notes that a piece is handed out; waits while too many finished ones stand behind one that is late. */
    synchronized void begin(final Extent extent, final Cancellation cancellation) throws ReplicationException {
        while (pieces.size() >= MAX_WAITING && isLate(pieces.firstEntry().getValue())) {
            cancellation.check();
            try {
                wait(100);
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ReplicationException(
                        ReplicationException.Category.CANCELLED, "interrupted while a block is late", e);
            }
        }
        pieces.put(extent.offset(), new Piece(extent.offset(), extent.length()));
        cursor = extent.end();
    }

    private boolean isLate(final Piece first) {
        return !first.done && first.offset < cursor;
    }

    /** Notes what a piece turned out to contain. */
    synchronized void learned(final long offset, final long length, final int crc, final boolean zero) {
        final Piece piece = get(offset);
        piece.length = length;
        piece.crc = crc;
        piece.zero = zero;
    }

    /** Notes that a piece lies behind the end of the source. */
    synchronized void drop(final long offset) {
        pieces.remove(offset);
    }

    /** Notes that a piece is written. */
    synchronized void done(final long offset) {
        get(offset).done = true;
        if (fold()) {
            notifyAll();
        }
    }

    private Piece get(final long offset) {
        final Piece piece = pieces.get(offset);
        if (piece == null) {
            throw new IllegalStateException("no piece at " + offset);
        }
        return piece;
    }

    private boolean fold() {
        boolean folded = false;
        for (Map.Entry<Long, Piece> e = pieces.firstEntry(); e != null; e = pieces.firstEntry()) {
            final Piece piece = e.getValue();
            if (!piece.done || piece.offset >= cursor) {
                break;
            }
            if (piece.zero) {
                digest.zeros(piece.offset, piece.length);
            } else {
                digest.data(piece.offset, piece.length, piece.crc);
            }
            pieces.pollFirstEntry();
            folded = true;
        }
        return folded;
    }

    /** Returns the digest of a copy whose last piece is done. */
    synchronized Digest finish() {
        cursor = Long.MAX_VALUE;
        fold();
        if (!pieces.isEmpty()) {
            throw new IllegalStateException("pieces from " + pieces.firstKey() + " are not done");
        }
        return digest.finish();
    }

    /** Returns how many bytes are done. */
    synchronized long doneBytes() {
        long bytes = digest.coveredBytes();
        for (final Piece piece : pieces.values()) {
            bytes += piece.done ? piece.length : 0;
        }
        return bytes;
    }

    /** Returns the state as values of a {@link Progress}. */
    synchronized Map<String, byte[]> save() {
        final long watermark = pieces.isEmpty() ? cursor : Math.min(cursor, pieces.firstKey());
        final int count = (int) pieces.values().stream().filter(p -> p.done).count();
        final ByteBuffer beyond = ByteBuffer.allocate(count * ENTRY_BYTES);
        for (final Piece piece : pieces.values()) {
            if (piece.done) {
                beyond.putLong(piece.offset)
                        .putLong(piece.length)
                        .putInt(piece.crc)
                        .put((byte) (piece.zero ? 0 : 1));
            }
        }
        final Map<String, byte[]> values = new HashMap<>();
        values.put(WATERMARK, ByteBuffer.allocate(8).putLong(watermark).array());
        values.put(DIGEST, digest.save());
        values.put(BEYOND, beyond.array());
        return values;
    }

    /**
     * Returns the set that {@link #save()} described.
     *
     * @throws ReplicationException CORRUPT when the values cannot be such a description.
     */
    static DoneSet load(final Progress progress) throws IOException {
        final byte[] watermark = value(progress, WATERMARK);
        final byte[] entries = value(progress, BEYOND);
        if (watermark.length != 8 || entries.length % ENTRY_BYTES != 0 || entries.length > MAX_LOADED * ENTRY_BYTES) {
            throw ReplicationException.corrupt(
                    "watermark of " + watermark.length + " bytes, done list of " + entries.length + " bytes");
        }
        final ExtentDigest digest = ExtentDigest.restore(value(progress, DIGEST));
        final DoneSet set = new DoneSet(digest, ByteBuffer.wrap(watermark).getLong());
        final ByteBuffer in = ByteBuffer.wrap(entries);
        long end = set.cursor;
        if (end < digest.end()) {
            throw ReplicationException.corrupt("watermark " + end + " before the digest's " + digest.end());
        }
        while (in.hasRemaining()) {
            final Piece piece = new Piece(in.getLong(), in.getLong());
            piece.crc = in.getInt();
            piece.zero = in.get() == 0;
            piece.done = true;
            final boolean inOneChunk = piece.length <= ExtentDigest.roomInChunk(piece.offset);
            if (piece.offset < end
                    || piece.length < 1
                    || piece.offset > Long.MAX_VALUE - piece.length
                    || !(piece.zero || inOneChunk)) {
                throw ReplicationException.corrupt(
                        "done piece offset=" + piece.offset + " length=" + piece.length + " after " + end);
            }
            end = piece.end();
            set.pieces.put(piece.offset, piece);
        }
        return set;
    }

    private static byte[] value(final Progress progress, final String name) throws ReplicationException {
        final byte @Nullable [] value = progress.values().get(name);
        if (value == null) {
            throw ReplicationException.corrupt("value '" + name + "' is missing");
        }
        return value;
    }
}
