package io.replicate.core.memory;

import io.replicate.core.block.Block;
import io.replicate.core.file.Ranges;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A volume in memory, sparse by pages of 64 KiB. Its content lasts as long as the object; closing it does nothing. */
public final class MemoryVolume implements Volume {
    private final String name;
    private final Geometry geometry;
    private final Pages pages;

    /** Creates a volume of zeros. */
    public MemoryVolume(final String name, final long sizeBytes) {
        this(name, sizeBytes, new Pages());
    }

    MemoryVolume(final String name, final long sizeBytes, final Pages pages) {
        this.name = name;
        this.geometry = Geometry.bytes(sizeBytes);
        this.pages = pages;
    }

    Pages pages() {
        return pages;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        return new PagePlan(Ranges.of(selection, geometry.sizeBytes(), name));
    }

    /** Asks for the extents of one range after the other. */
    private final class PagePlan implements Plan<Extent> {
        private static final int AT_ONCE = 64;

        private final long totalBytes;
        private final Iterator<Extent> ranges;
        private Iterator<Extent> found = List.<Extent>of().iterator();
        private long position;
        private long rangeEnd;

        PagePlan(final List<Extent> ranges) {
            this.totalBytes = ranges.stream().mapToLong(Extent::length).sum();
            this.ranges = ranges.iterator();
        }

        @Override
        public @Nullable Extent next() {
            if (!found.hasNext()) {
                if (position == rangeEnd) {
                    if (!ranges.hasNext()) {
                        return null;
                    }
                    final Extent range = ranges.next();
                    position = range.offset();
                    rangeEnd = range.end();
                }
                found = pages.extents(position, rangeEnd - position, AT_ONCE).iterator();
            }
            final Extent extent = found.next();
            position = extent.end();
            return extent;
        }

        @Override
        public long totalBytes() {
            return totalBytes;
        }
    }

    @Override
    public int read(final Extent unit, final Block into) {
        into.length(0);
        final long left = geometry.sizeBytes() - unit.offset();
        if (left <= 0) {
            return -1;
        }
        into.length(Math.toIntExact(Math.min(unit.length(), left)));
        pages.read(unit.offset(), into.bytes());
        return into.length();
    }

    @Override
    public void read(final long offset, final ByteBuffer into) {
        requireInside(offset, into.remaining());
        pages.read(offset, into);
    }

    @Override
    public void write(final long offset, final ByteBuffer from, final Set<Flag> flags) {
        requireInside(offset, from.remaining());
        pages.write(offset, from);
    }

    @Override
    public void zero(final long offset, final long length, final Set<Flag> flags) {
        requireInside(offset, length);
        pages.zero(offset, length, flags.contains(Flag.NO_HOLE));
    }

    @Override
    public void trim(final long offset, final long length, final Set<Flag> flags) {
        requireInside(offset, length);
        pages.zero(offset, length, false);
    }

    @Override
    public void flush() {}

    @Override
    public List<Extent> extents(final long offset, final long length, final int limit) {
        requireInside(offset, length);
        return pages.extents(offset, length, limit);
    }

    private void requireInside(final long offset, final long length) {
        if (offset < 0 || length < 0 || offset > geometry.sizeBytes() - length) {
            throw new IllegalArgumentException(
                    "offset=" + offset + " length=" + length + " of a volume of " + geometry.sizeBytes() + " bytes");
        }
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "mem:" + name;
    }
}
