package io.replicate.core.file;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What a selection means for a volume of a known size. */
public final class Ranges {

    private Ranges() {}

    /**
     * Returns the ranges that {@code selection} names, ascending and merged.
     *
     * @param sizeBytes of the volume.
     * @param name of the volume, for messages.
     * @throws ReplicationException MISUSE for other selections than All and Ranges, and for ranges beyond the end.
     */
    public static List<Extent> of(final Selection selection, final long sizeBytes, final String name)
            throws ReplicationException {
        if (selection instanceof Selection.All) {
            return sizeBytes == 0 ? List.of() : List.of(Extent.data(0, sizeBytes));
        }
        if (!(selection instanceof Selection.Ranges ranges)) {
            throw ReplicationException.misuse(name + ": cannot select by " + selection + ", only all or by ranges");
        }
        final List<Extent> sorted = new ArrayList<>(ranges.extents());
        sorted.sort(Comparator.comparingLong(Extent::offset));
        final List<Extent> merged = new ArrayList<>(sorted.size());
        for (final Extent range : sorted) {
            if (range.end() > sizeBytes) {
                throw ReplicationException.misuse(name + ": the range offset=" + range.offset() + " length="
                        + range.length() + " goes beyond the size " + sizeBytes);
            }
            final int last = merged.size() - 1;
            if (last >= 0 && merged.get(last).end() >= range.offset()) {
                final long begin = merged.get(last).offset();
                merged.set(last, Extent.data(begin, Math.max(merged.get(last).end(), range.end()) - begin));
            } else {
                merged.add(Extent.data(range.offset(), range.length()));
            }
        }
        return merged;
    }
}
