package io.replicate.delta.apply;

import io.replicate.core.posix.Alignment;
import io.replicate.core.posix.Pieces;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamReader;
import io.replicate.delta.cow.StreamVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes a stream into an image while it comes in, without a spool. Data waits in a window, so that it is written in
 * the order of its places; the window is what this costs in memory. Used by one thread.
 */
final class ForwardApplier implements StreamVisitor {
    /** The largest chunk whose area (up to 256 Ki exceptions) is kept in memory. */
    static final long MAX_CHUNK_BYTES = 4L << 20;

    private static final int WINDOW_BYTES = 8 << 20;

    private final TargetImage image;
    private final BaseCheck check;
    private final Spool.HeaderCheck begin;
    private final Cancellation cancellation;
    private final ExceptionList exceptions;
    private final ByteBuffer window = Alignment.buffer(WINDOW_BYTES);
    private SnapLayout layout = new SnapLayout(SnapLayout.ENTRY_BYTES * 32L);
    private @Nullable HeaderChunk header;
    private boolean begun;
    private long[] pending = new long[0];
    private long imageBytes;
    private long offset;
    private long[] places = new long[64];
    private int waiting;
    private long written;

    /** @param begin is told of the header before the first byte is written. */
    ForwardApplier(
            final TargetImage image,
            final BaseCheck check,
            final Spool.HeaderCheck begin,
            final Cancellation cancellation,
            final ExceptionList exceptions) {
        this.image = image;
        this.check = check;
        this.begin = begin;
        this.cancellation = cancellation;
        this.exceptions = exceptions;
    }

    /** Returns how many bytes were written. */
    long written() {
        return written;
    }

    @Override
    public void header(final HeaderChunk header) throws IOException {
        check.header(header);
        this.header = header;
        layout = header.layout();
        imageBytes = check.imageBytes(header);
        if (layout.chunkBytes() > MAX_CHUNK_BYTES) {
            throw ReplicationException.misuse("chunks of " + layout.chunkBytes()
                    + " bytes are too large to be applied as they come: merge without --in-place");
        }
        // One place for each chunk that the reader lets an area name: what waits at the same time never shares one.
        pending = new long[(int) Math.max(2 * (layout.entriesPerArea() + 1), StreamReader.AHEAD_CHUNKS)];
    }

    @Override
    public void entry(final long oldChunk, final long newChunk) throws IOException {
        if (newChunk * layout.chunkBytes() < offset) {
            throw ReplicationException.misuse("the data of origin chunk " + oldChunk
                    + " comes before the area that names it: merge without --in-place, or from a file");
        }
        if (oldChunk * layout.chunkBytes() >= imageBytes) {
            throw ReplicationException.misuse("the delta changes offset " + oldChunk * layout.chunkBytes()
                    + ", the target ends at " + imageBytes + ": it is smaller than the source");
        }
        exceptions.entry(oldChunk, newChunk);
        final int slot = (int) (newChunk % pending.length);
        if (pending[slot] != 0) {
            throw ReplicationException.corrupt("data chunk " + newChunk + " is named by two exceptions");
        }
        pending[slot] = oldChunk + 1; // 0 is an empty place
    }

    @Override
    public void bytes(final long at, final ByteBuffer bytes) throws IOException {
        offset = at;
        final long chunk = layout.chunkBytes();
        while (bytes.hasRemaining()) {
            final long index = offset / chunk;
            final long inChunk = offset % chunk;
            final int n = (int) Math.min(bytes.remaining(), chunk - inChunk);
            final int slot = (int) (index % pending.length);
            if (pending[slot] != 0) {
                add((pending[slot] - 1) * chunk + inChunk, bytes.slice(bytes.position(), n));
                if (inChunk + n == chunk) {
                    pending[slot] = 0;
                }
            }
            bytes.position(bytes.position() + n);
            offset += n;
        }
    }

    @Override
    public void areaDone(final long area, final long endOffset) throws IOException {}

    private void add(final long place, final ByteBuffer bytes) throws IOException {
        final int n = (int) Math.min(bytes.remaining(), imageBytes - place);
        if (n <= 0) {
            return;
        }
        if (n > window.remaining()) {
            drain();
        }
        if (waiting > 0 && places[3 * waiting - 3] + places[3 * waiting - 1] == place) {
            places[3 * waiting - 1] += n;
        } else {
            if (3 * waiting + 3 > places.length) {
                places = Arrays.copyOf(places, 2 * places.length);
            }
            places[3 * waiting] = place;
            places[3 * waiting + 1] = window.position();
            places[3 * waiting + 2] = n;
            waiting++;
        }
        window.put(bytes.limit(n));
    }

    /** Writes what waits, in the order of the image. */
    void drain() throws IOException {
        cancellation.check();
        if (!begun) { // what is refused before anything was written leaves no mixture
            begin.check(Objects.requireNonNull(header, "nothing waits before the header"));
            begun = true;
        }
        final long[][] rows = new long[waiting][];
        for (int i = 0; i < waiting; i++) {
            rows[i] = Arrays.copyOfRange(places, 3 * i, 3 * i + 3);
        }
        Arrays.sort(rows, (a, b) -> Long.compare(a[0], b[0]));
        final Pieces pieces = new Pieces(waiting);
        for (final long[] row : rows) {
            if (row[0] < pieces.end()) { // named twice: the later one is written later, as it would be apart
                image.writeAll(pieces, window.clear());
                pieces.clear();
            }
            pieces.append(row[0], (int) row[1], (int) row[2]);
            written += row[2];
        }
        waiting = 0;
        image.writeAll(pieces, window.clear());
    }
}
