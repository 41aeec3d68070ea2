package io.replicate.delta;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.apply.TargetImage;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.StreamReader;
import io.replicate.delta.cow.StreamVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/**
 * Stores a delta in a COW volume of the kernel's own, to be merged with {@code lvconvert --merge} or dmsetup. The stream
 * is checked whole first, and the header is written last, after all else is durable: a crash leaves a volume without a
 * valid header, never half a delta. Used once, by one thread.
 */
public final class CowVolume {
    private static final int COPY_BYTES = 1 << 20;

    private final TargetImage volume;

    /** Creates a store over a volume, which stays open. */
    public CowVolume(final TargetImage volume) {
        this.volume = volume;
    }

    /** Stores a stream, and returns what it was. */
    public StreamReader.Result store(final ReadableByteChannel in, final String where, final boolean lenient)
            throws IOException {
        try (StateFile spool = TemporaryFile.create()) {
            final StreamReader.Result result = new StreamReader(in, where, lenient).read(new Keeper(spool));
            if (result.bodyBytes() > volume.size()) {
                throw ReplicationException.misuse("the delta has " + result.bodyBytes() + " bytes, the COW volume only "
                        + volume.size() + ": make it larger first");
            }
            final ByteBuffer zeros = Alignment.buffer(SnapHeader.SECTOR_BYTES);
            volume.write(0, zeros);
            volume.flush();
            copy(spool, SnapHeader.SECTOR_BYTES, result.bodyBytes());
            volume.flush();
            copy(spool, 0, SnapHeader.SECTOR_BYTES);
            volume.flush();
            return result;
        }
    }

    private void copy(final StateFile spool, final long from, final long to) throws IOException {
        final ByteBuffer buffer = Alignment.buffer(COPY_BYTES);
        for (long at = from; at < to; at += buffer.limit()) {
            spool.read(at, buffer.clear().limit((int) Math.min(COPY_BYTES, to - at)));
            volume.write(at, buffer.flip());
        }
    }

    private record Keeper(StateFile spool) implements StreamVisitor {
        @Override
        public void header(final HeaderChunk header) {}

        @Override
        public void entry(final long oldChunk, final long newChunk) {}

        @Override
        public void bytes(final long offset, final ByteBuffer bytes) throws IOException {
            spool.write(offset, bytes);
        }

        @Override
        public void areaDone(final long area, final long endOffset) {}
    }
}
