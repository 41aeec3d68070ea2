package io.replicate.ring;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A volume in memory, read up to a gate that the test opens: so a fault happens at a known offset. It can be read once
 * only, be shorter than announced, change, or break.
 */
final class GatedSource implements Source<Extent> {
    private final byte[] image;
    private final boolean sequential;
    private long gate;
    private long end;
    private Revision revision = new Revision("first");
    private long broken = Long.MAX_VALUE;

    GatedSource(final byte[] image, final long gate, final boolean sequential) {
        this.image = image;
        this.gate = gate;
        this.end = image.length;
        this.sequential = sequential;
    }

    /** Lets reads up to {@code offset} through. */
    synchronized void open(final long offset) {
        gate = offset;
        notifyAll();
    }

    synchronized void openAll() {
        open(Long.MAX_VALUE);
    }

    /** Lets the source end here, which is before its announced size. */
    synchronized void shrink(final long newEnd) {
        end = newEnd;
    }

    /** Lets the source say that it has changed. */
    synchronized void change() {
        revision = new Revision("changed");
    }

    @Override
    public synchronized Revision revision() {
        return revision;
    }

    /** Lets reads from here on fail. */
    synchronized void breakAt(final long offset) {
        broken = offset;
    }

    @Override
    public Geometry geometry() {
        return sequential ? Geometry.stream() : Geometry.bytes(image.length);
    }

    @Override
    public Plan<Extent> plan(final Selection selection) {
        final List<Extent> extents = selection instanceof Selection.Ranges ranges
                ? ranges.extents()
                : sequential ? List.of(Extent.data(0, Long.MAX_VALUE)) : whole();
        final var iterator = extents.iterator();
        return new Plan<>() {
            @Override
            public @Nullable Extent next() {
                return iterator.hasNext() ? iterator.next() : null;
            }

            @Override
            public long totalBytes() {
                return sequential ? Unit.UNKNOWN : image.length;
            }

            @Override
            public void close() {}
        };
    }

    private List<Extent> whole() {
        return image.length == 0 ? List.of() : List.of(Extent.data(0, image.length));
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        synchronized (this) {
            while (unit.offset() + Math.min(unit.length(), into.capacity()) > gate && unit.offset() < end) {
                try {
                    wait();
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw ReplicationException.retry("interrupted", e);
                }
            }
            if (unit.offset() >= broken) {
                throw ReplicationException.fail(
                        "pread source offset=" + unit.offset() + " length=" + unit.length() + ": EIO", null);
            }
            final int length = (int) Math.min(Math.min(unit.length(), into.capacity()), end - unit.offset());
            if (length <= 0) {
                return -1;
            }
            into.space().put(image, (int) unit.offset(), length);
            into.length(length);
            return length;
        }
    }

    @Override
    public void close() {
        openAll();
    }
}
