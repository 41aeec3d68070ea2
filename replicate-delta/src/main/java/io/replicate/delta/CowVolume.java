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
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;

/**
 * Stores a delta in a COW volume of the kernel's own, to be merged with {@code lvconvert --merge} or dmsetup. The stream
 * is checked whole first, and the header is written last, after all else is durable: a crash leaves a volume without a
 * valid header, never half a delta. Used once, by one thread.
 */
public final class CowVolume {
    private static final int COPY_BYTES = 1 << 20;

    private final TargetImage volume;
    private final boolean force;

    /**
     * Creates a store over a volume, which stays open.
     *
     * @param force whether changes that the volume holds may be lost.
     */
    public CowVolume(final TargetImage volume, final boolean force) {
        this.volume = volume;
        this.force = force;
    }

    /**
     * Stores a stream, without the marker: what the kernel adds to the store later, a marker would deny.
     *
     * @param dryRun whether everything is checked and nothing written.
     * @return what the stream was.
     * @throws ReplicationException MISUSE when the volume is too small or holds changes, CORRUPT when the stream is bad.
     */
    public StreamReader.Result store(
            final ReadableByteChannel in, final String where, final boolean lenient, final boolean dryRun)
            throws IOException {
        requireEmpty();
        try (StateFile spool = TemporaryFile.create()) {
            final StreamReader.Result result = new StreamReader(in, where, lenient).read(new Keeper(spool));
            if (result.bodyBytes() > volume.size()) {
                throw ReplicationException.misuse("the delta has " + result.bodyBytes() + " bytes, the COW volume only "
                        + volume.size() + ": make it larger first");
            }
            if (!dryRun) {
                write(spool, result);
            }
            return result;
        }
    }

    private void requireEmpty() throws IOException {
        if (force || volume.size() < SnapHeader.SECTOR_BYTES) {
            return;
        }
        final ByteBuffer sector = Alignment.buffer(SnapHeader.SECTOR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        volume.read(0, sector);
        if (sector.getInt(0) != SnapHeader.MAGIC) {
            return;
        }
        final long area =
                SnapHeader.parse(sector.flip(), "the COW volume").layout().areaOffset(0);
        if (area + SnapHeader.SECTOR_BYTES <= volume.size()) {
            volume.read(area, sector.clear());
            if (sector.getLong(Long.BYTES) != 0) {
                throw ReplicationException.misuse("the COW volume holds changes already: merge or remove them first,"
                        + " or --force to lose them");
            }
        }
    }

    private void write(final StateFile spool, final StreamReader.Result result) throws IOException {
        final ByteBuffer header = Alignment.buffer(SnapHeader.SECTOR_BYTES);
        volume.write(0, header.duplicate());
        volume.flush();
        copy(spool, SnapHeader.SECTOR_BYTES, result.bodyBytes());
        volume.flush();
        result.header().header().put(header);
        volume.write(0, header.clear());
        volume.flush();
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
