package io.replicate.delta;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.change.RbdDiff;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Merges an rbd diff, atomically. Its ranges need not be whole chunks: what is missing of a chunk is taken from the
 * target. Used once, by one thread.
 */
final class RbdMerge {
    private static final long SEEN_CHUNKS = 1 << 15;
    static final SnapLayout LAYOUT = new SnapLayout(4096);

    private final DeltaTarget target;
    private final ByteBuffer chunkBytes = Alignment.buffer((int) LAYOUT.chunkBytes());
    private long imageBytes = -1;

    RbdMerge(final DeltaTarget target) {
        this.target = target;
    }

    Merged merge(final ReadableByteChannel in, final String where, final MergeOptions options, final boolean inPlace)
            throws IOException {
        if (inPlace) {
            throw ReplicationException.misuse("an rbd diff is merged atomically: leave --in-place out");
        }
        try (TemporaryFile data = TemporaryFile.create();
                ExceptionList touched = new ExceptionList()) {
            final RbdDiff.Names names = new RbdDiff(in, where).read(new Collector(data, touched));
            requireBase(names, options);
            final long size = imageEnd();
            final ExceptionList chunks = distinct(touched, size);
            return target.merge(
                    LAYOUT,
                    chunks,
                    ChunkData.ofImage(data, LAYOUT, data.size()),
                    size,
                    generation(names.from()),
                    generation(names.to()),
                    options);
        }
    }

    private long imageEnd() throws IOException {
        return imageBytes < 0 ? target.image().size() : imageBytes;
    }

    /** Ceph's names of snapshots may be longer than a generation, and have spaces: such a one is not remembered. */
    private static String generation(final @Nullable String snapshot) {
        return snapshot != null && Marker.isId(snapshot) ? snapshot : "";
    }

    private void requireBase(final RbdDiff.Names names, final MergeOptions options) throws ReplicationException {
        final String at = target.generation();
        final boolean again = at.equals(names.to()); // it was applied already, and changes nothing
        if (names.from() != null && !options.anyBase() && !again && !at.isEmpty() && !at.equals(names.from())) {
            throw ReplicationException.misuse("the diff changes snapshot " + names.from() + ", the target is at " + at
                    + ": apply the diffs in between first");
        }
    }

    private static ExceptionList distinct(final ExceptionList touched, final long size) throws IOException {
        final ExceptionList chunks = new ExceptionList();
        try (Pairs sorted = touched.sorted()) {
            long last = -1;
            while (sorted.next()) {
                if (sorted.oldChunk() != last && sorted.oldChunk() * LAYOUT.chunkBytes() < size) {
                    last = sorted.oldChunk();
                    chunks.entry(last, 0);
                }
            }
        }
        return chunks;
    }

    /** Lays the ranges out as in the image, in a file that is mostly hole. */
    private final class Collector implements RbdDiff.Visitor {
        private final TemporaryFile data;
        private final ExceptionList touched;
        private final Map<Long, BitSet> seen = new HashMap<>();

        Collector(final TemporaryFile data, final ExceptionList touched) {
            this.data = data;
            this.touched = touched;
        }

        @Override
        public void size(final long bytes) throws IOException {
            if (bytes > target.image().size()) {
                throw ReplicationException.misuse("the diff is of an image of " + bytes + " bytes, the target has only "
                        + target.image().size() + ": make it larger first");
            }
            imageBytes = bytes;
        }

        @Override
        public void data(final long offset, final ByteBuffer bytes) throws IOException {
            if (bytes.hasRemaining()) {
                if (offset + bytes.remaining() > imageEnd()) {
                    throw ReplicationException.misuse("the diff writes " + bytes.remaining() + " bytes at offset "
                            + offset + ", the image ends at " + imageEnd()
                            + ": the target is smaller than the source, or the diff is of another image");
                }
                touch(offset, bytes.remaining());
                data.write(offset, bytes.duplicate());
            }
        }

        @Override
        public void zeros(final long offset, final long length) throws IOException {
            final long end = Math.min(offset + length, target.image().size());
            if (end > offset) {
                touch(offset, end - offset);
                final ByteBuffer zeros = Alignment.buffer(64 << 10);
                for (long at = offset; at < end; at += zeros.limit()) {
                    data.write(at, zeros.clear().limit((int) Math.min(zeros.capacity(), end - at)));
                }
            }
        }

        private void touch(final long offset, final long length) throws IOException {
            final long chunk = LAYOUT.chunkBytes();
            final long from = offset / chunk;
            final long to = (offset + length - 1) / chunk;
            for (long index = from; index <= to; index++) {
                final boolean part = index * chunk < offset || (index + 1) * chunk > offset + length;
                final BitSet known = seen.computeIfAbsent(index / SEEN_CHUNKS, page -> new BitSet());
                final int bit = (int) (index % SEEN_CHUNKS);
                if (!known.get(bit)) {
                    known.set(bit);
                    touched.entry(index, 0);
                    if (part) {
                        prefill(index * chunk);
                    }
                }
            }
        }

        private void prefill(final long at) throws IOException {
            if (at >= target.image().size()) {
                return;
            }
            chunkBytes.clear().limit((int)
                    Math.min(LAYOUT.chunkBytes(), target.image().size() - at));
            target.image().read(at, chunkBytes);
            data.write(at, chunkBytes.flip());
        }
    }
}
