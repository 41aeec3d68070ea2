package io.replicate.delta.change;

import io.replicate.core.job.Zeros;
import io.replicate.core.posix.Alignment;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;

/** Writes changes as an rbd diff of version 1, ready for {@code rbd import-diff}. Used by one thread. */
public final class RbdWriter {
    private static final int PIECE_BYTES = 1 << 20;
    private static final int RECORD_BYTES = 17;

    private final WritableByteChannel out;

    /** Creates a writer; the channel stays open. */
    public RbdWriter(final WritableByteChannel out) {
        this.out = out;
    }

    /**
     * Writes a diff, in ascending order; what adjoins becomes one record.
     *
     * @param from snapshot that the target must have, or empty.
     * @param to snapshot that the target will have, or empty.
     */
    public void write(final Changes changes, final RandomBytes source, final String from, final String to)
            throws IOException {
        writeFully(ByteBuffer.wrap(RbdDiff.V1.getBytes(StandardCharsets.US_ASCII)));
        name('f', from);
        name('t', to);
        final long size = source.size();
        writeFully(record('s').putLong(size).flip());
        final long chunk = changes.layout().chunkBytes();
        final ByteBuffer data = Alignment.buffer(PIECE_BYTES);
        try (Pairs pairs = changes.chunks().sorted()) {
            boolean more = pairs.next();
            while (more) {
                final long start = pairs.oldChunk() * chunk;
                long end = start + chunk;
                more = pairs.next();
                while (more && pairs.oldChunk() * chunk == end) {
                    end += chunk;
                    more = pairs.next();
                }
                range(start, Math.min(end, size), source, data);
            }
        }
        writeFully(record('e').flip());
    }

    private void range(final long start, final long end, final RandomBytes source, final ByteBuffer data)
            throws IOException {
        for (long at = start; at < end; at += PIECE_BYTES) {
            final int n = (int) Math.min(PIECE_BYTES, end - at);
            source.read(at, data.clear().limit(n));
            data.flip();
            final boolean zero = Zeros.isZero(data);
            writeFully(record(zero ? 'z' : 'w').putLong(at).putLong(n).flip());
            if (!zero) {
                writeFully(data);
            }
        }
    }

    private void name(final char tag, final String name) throws IOException {
        if (!name.isEmpty()) {
            final byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
            writeFully(record(tag).putInt(bytes.length).flip());
            writeFully(ByteBuffer.wrap(bytes));
        }
    }

    private static ByteBuffer record(final char tag) {
        return ByteBuffer.allocate(RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN).put((byte) tag);
    }

    private void writeFully(final ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
