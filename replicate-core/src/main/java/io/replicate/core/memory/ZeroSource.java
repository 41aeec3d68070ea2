package io.replicate.core.memory;

import io.replicate.core.block.Block;
import io.replicate.core.file.Ranges;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A source of zeros, told as ZERO extents or, to make work, as data. */
public final class ZeroSource implements Source<Extent> {
    private static final ByteBuffer ZEROS = ByteBuffer.allocate(64 << 10).asReadOnlyBuffer();

    private final String name;
    private final Geometry geometry;
    private final Extent.Kind kind;

    /**
     * Creates a source.
     *
     * @param name for messages.
     * @param asData whether its plan says DATA rather than ZERO.
     */
    public ZeroSource(final String name, final long sizeBytes, final boolean asData) {
        this.name = name;
        this.geometry = Geometry.bytes(sizeBytes);
        this.kind = asData ? Extent.Kind.DATA : Extent.Kind.ZERO;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        final List<Extent> ranges = Ranges.of(selection, geometry.sizeBytes(), name);
        final Iterator<Extent> each = ranges.iterator();
        return new Plan<>() {
            @Override
            public @Nullable Extent next() {
                if (!each.hasNext()) {
                    return null;
                }
                final Extent range = each.next();
                return new Extent(range.offset(), range.length(), kind);
            }

            @Override
            public long totalBytes() {
                return ranges.stream().mapToLong(Extent::length).sum();
            }
        };
    }

    @Override
    public int read(final Extent unit, final Block into) {
        into.length(0);
        final long left = geometry.sizeBytes() - unit.offset();
        if (left <= 0) {
            return -1;
        }
        into.length(Math.toIntExact(Math.min(unit.length(), left)));
        final ByteBuffer bytes = into.bytes();
        while (bytes.hasRemaining()) {
            bytes.put(ZEROS.slice(0, Math.min(ZEROS.capacity(), bytes.remaining())));
        }
        return into.length();
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return name;
    }
}
