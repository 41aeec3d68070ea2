package io.replicate.delta.apply;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The part file of a cut transfer. It is gone on with at a chunk's edge, so that large areas lose little. */
final class PartialSpool {
    private static final int READ_BYTES = 1 << 20;

    private PartialSpool() {}

    /** Opens the part file; MISUSE when no transfer was cut. */
    static StateFile open(final StateDirectory directory) throws IOException {
        if (!directory.exists(Spool.PART)) {
            throw ReplicationException.misuse("there is no cut merge of this target to go on with");
        }
        return directory.open(Spool.PART);
    }

    /** Returns the token of the last whole chunk. */
    static ResumeToken token(final StateFile part) throws IOException {
        final ByteBuffer sector = ByteBuffer.allocate(SnapHeader.SECTOR_BYTES);
        if (part.size() < sector.capacity()) {
            throw ReplicationException.misuse("so little was received that there is nothing to go on with");
        }
        part.read(0, sector);
        final HeaderChunk header = HeaderChunk.parse(sector.flip(), Spool.PART);
        final @Nullable Marker marker = header.marker();
        final long chunk = header.layout().chunkBytes();
        final long offset = part.size() / chunk * chunk;
        return new ResumeToken(
                marker == null ? ResumeToken.BARE : marker.streamId(),
                offset,
                crc(part, offset),
                marker == null ? ResumeToken.ANY : marker.exceptions());
    }

    /** Checks that the token is of this part. */
    static void require(final StateFile part, final ResumeToken token) throws IOException {
        if (part.size() < token.offset()
                || !token(part).streamId().equals(token.streamId())
                || crc(part, token.offset()) != token.crc()) {
            throw ReplicationException.misuse("the continued stream is not the one that was cut here:"
                    + " merge --position tells where to go on");
        }
    }

    private static int crc(final StateFile part, final long length) throws IOException {
        final CRC32C crc = new CRC32C();
        final ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
        for (long at = 0; at < length; at += buffer.limit()) {
            part.read(at, buffer.clear().limit((int) Math.min(READ_BYTES, length - at)));
            crc.update(buffer.flip());
        }
        return (int) crc.getValue();
    }
}
