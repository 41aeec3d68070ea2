package io.replicate.nbd.client;

import io.replicate.core.file.Ranges;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Unit;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The plan of a volume that knows its extents: asks for them a window at a time, one range after the other. */
final class VolumePlan implements Plan<Extent> {
    private static final int AT_ONCE = 1024;

    private final Volume volume;
    private final Iterator<Extent> ranges;
    private final long totalBytes;
    private Iterator<Extent> found = List.<Extent>of().iterator();
    private long position;
    private long rangeEnd;

    private VolumePlan(Volume volume, List<Extent> ranges) {
        this.volume = volume;
        this.ranges = ranges.iterator();
        this.totalBytes = ranges.stream().mapToLong(Unit::lengthBytes).sum();
    }

    static VolumePlan of(Volume volume, Selection selection) throws IOException {
        return new VolumePlan(volume, Ranges.of(selection, volume.geometry().sizeBytes(), volume.toString()));
    }

    @Override
    public @Nullable Extent next() throws IOException {
        if (!found.hasNext()) {
            if (position == rangeEnd) {
                if (!ranges.hasNext()) {
                    return null;
                }
                final Extent range = ranges.next();
                position = range.offset();
                rangeEnd = range.end();
            }
            found = volume.extents(position, rangeEnd - position, AT_ONCE).iterator();
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
