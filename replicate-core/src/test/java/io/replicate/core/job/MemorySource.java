package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Bytes on the heap as a source; holes are where the test says. */
class MemorySource implements Source<Extent> {
    final byte[] bytes;
    private final List<Extent> extents;
    private final Geometry geometry;
    volatile Revision revision = new Revision("1");

    MemorySource(final byte[] bytes) {
        this(
                bytes,
                bytes.length == 0 ? List.of() : List.of(Extent.data(0, bytes.length)),
                Geometry.bytes(bytes.length));
    }

    MemorySource(final byte[] bytes, final List<Extent> extents, final Geometry geometry) {
        this.bytes = bytes;
        this.extents = extents;
        this.geometry = geometry;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public Plan<Extent> plan(final Selection selection) {
        return planOf(extents);
    }

    static Plan<Extent> planOf(final List<Extent> extents) {
        final Iterator<Extent> units = new ArrayList<>(extents).iterator();
        return new Plan<>() {
            @Override
            public @Nullable Extent next() {
                return units.hasNext() ? units.next() : null;
            }

            @Override
            public long totalBytes() {
                return extents.stream().mapToLong(Extent::length).sum();
            }
        };
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        final long left = bytes.length - unit.offset();
        if (left <= 0) {
            return -1;
        }
        final int length = (int) Math.min(left, unit.length());
        into.space().put(ByteBuffer.wrap(bytes, (int) unit.offset(), length));
        into.length(length);
        return length;
    }

    @Override
    public Revision revision() {
        return revision;
    }

    @Override
    public void close() {}
}
