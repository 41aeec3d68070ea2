package io.replicate.examples.demo;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the data of a sparse volume lies, so that progress counts what is sent and not the holes.
 *
 * @param extents of data, ascending.
 * @param total bytes of data.
 */
record DataMap(List<Extent> extents, long total) {

    static DataMap of(final Source<Extent> source) throws IOException {
        final List<Extent> extents = new ArrayList<>();
        long total = 0;
        try (Plan<Extent> plan = source.plan(Selection.ALL)) {
            for (@Nullable Extent extent = plan.next(); extent != null; extent = plan.next()) {
                if (extent.hasData()) {
                    extents.add(extent);
                    total += extent.length();
                }
            }
        }
        return new DataMap(List.copyOf(extents), total);
    }

    /** Returns the offset before which the given part, 0 to 1, of all data lies. */
    long offsetOf(final double part) {
        long left = (long) (total * part);
        long end = 0;
        for (final Extent extent : extents) {
            if (left <= extent.length()) {
                return extent.offset() + left;
            }
            left -= extent.length();
            end = extent.end();
        }
        return end;
    }

    /** Returns the part, 0 to 1, of all data that lies before an offset. */
    double partBefore(final long offset) {
        long before = 0;
        for (final Extent extent : extents) {
            before += Math.max(0, Math.min(extent.length(), offset - extent.offset()));
        }
        return total == 0 ? 1 : before / (double) total;
    }
}
