package io.replicate.delta;

import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamReader;
import io.replicate.delta.cow.StreamVisitor;
import io.replicate.delta.cow.Trailer;
import io.replicate.delta.tree.TreeDiff;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which ranges of the image a delta changes. */
final class DeltaRanges {

    private DeltaRanges() {}

    /**
     * The exceptions of a stream.
     *
     * @param header of the stream.
     * @param chunks of the image.
     * @param samples of what the delta leaves as it is.
     */
    record Read(HeaderChunk header, ExceptionList chunks, List<Trailer.Sample> samples) {}

    static Read read(final ReadableByteChannel in, final String where, final boolean lenient) throws IOException {
        final ExceptionList chunks = new ExceptionList();
        boolean complete = false;
        try {
            final StreamReader.Result result = new StreamReader(in, where, lenient).read(new StreamVisitor() {
                @Override
                public void header(final HeaderChunk header) {}

                @Override
                public void entry(final long oldChunk, final long newChunk) throws IOException {
                    chunks.entry(oldChunk, newChunk);
                }

                @Override
                public void bytes(final long offset, final ByteBuffer bytes) {}

                @Override
                public void areaDone(final long area, final long endOffset) {}
            });
            chunks.requireUnique(where);
            complete = true;
            return new Read(result.header(), chunks, result.samples());
        } finally {
            if (!complete) {
                chunks.close();
            }
        }
    }

    /** Passes on the ranges, ascending; what adjoins is one. */
    static void visit(final HeaderChunk header, final ExceptionList chunks, final TreeDiff.Visitor visitor)
            throws IOException {
        final @Nullable Marker marker = header.marker();
        visit(header.layout(), chunks, marker == null ? Long.MAX_VALUE : marker.imageBytes(), visitor);
    }

    /** As before, for an image of {@code end} bytes. */
    static void visit(
            final SnapLayout layout, final ExceptionList chunks, final long end, final TreeDiff.Visitor visitor)
            throws IOException {
        try (Pairs pairs = chunks.sorted()) {
            boolean more = pairs.next();
            while (more) {
                final long first = pairs.oldChunk();
                long count = 1;
                more = pairs.next();
                while (more && pairs.oldChunk() == first + count) {
                    count++;
                    more = pairs.next();
                }
                final long from = first * layout.chunkBytes();
                visitor.differs(from, Math.min(count * layout.chunkBytes(), end - from));
            }
        }
    }
}
