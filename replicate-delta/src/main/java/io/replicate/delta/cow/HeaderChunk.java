package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the first sector of a stream says. A sector always has it all, as the smallest chunk is one.
 *
 * @param header the kernel's part.
 * @param marker ours, or null in a bare stream.
 */
public record HeaderChunk(SnapHeader header, @Nullable Marker marker) {

    /**
     * Parses the first 512 bytes, from position 0.
     *
     * @throws ReplicationException CORRUPT also when the spare bytes are neither zero nor a whole marker: a flipped bit
     *     must not turn a marked stream into a bare one, which has no checksums.
     */
    public static HeaderChunk parse(final ByteBuffer sector, final String where) throws ReplicationException {
        final SnapHeader header = SnapHeader.parse(sector.duplicate().position(0), where);
        if (!Marker.present(sector)) {
            requireZero(sector, SnapHeader.LENGTH, sector.limit(), where);
            return new HeaderChunk(header, null);
        }
        final Marker marker = Marker.parse(sector, where);
        requireZero(sector, Marker.END, sector.limit(), where);
        return new HeaderChunk(header, marker);
    }

    /** Checks that bytes of the header chunk behind the first sector are zero. */
    static void requireZero(final ByteBuffer bytes, final int from, final int to, final String where)
            throws ReplicationException {
        for (int i = from; i < to; i++) {
            if (bytes.get(i) != 0) {
                throw ReplicationException.corrupt(where
                        + ": the spare bytes of the header chunk are neither zero nor a Replicate marker"
                        + " (a damaged header?)");
            }
        }
    }

    /** Returns the layout. */
    public SnapLayout layout() {
        return header.layout();
    }
}
