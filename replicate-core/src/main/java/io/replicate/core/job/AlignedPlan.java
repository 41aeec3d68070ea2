package io.replicate.core.job;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A plan whose extents begin and end at multiples of an alignment (the last may end with the volume). Where extents of
 * different kinds meet within one aligned cell, the cell is read as data.
 */
final class AlignedPlan implements Plan<Extent> {
    private final Plan<Extent> plan;
    private final long alignment;
    private final long sizeBytes;
    /** What is to be given out next, unless it grows; begins aligned. */
    private @Nullable Extent open;
    /** What was taken from the plan and is not looked at. */
    private @Nullable Extent ahead;

    AlignedPlan(final Plan<Extent> plan, final long alignment, final long sizeBytes) {
        this.plan = plan;
        this.alignment = alignment;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public @Nullable Extent next() throws IOException {
        Extent current = open != null ? open : begun(fresh());
        open = null;
        while (current != null) {
            final Extent following = fresh();
            if (following == null) {
                checkEnd(current);
                return current;
            }
            if (isAligned(current.end())) {
                open = begun(following);
                return current;
            }
            if (following.offset() != current.end()) {
                throw misaligned(current);
            }
            if (following.kind() == current.kind()) {
                current = new Extent(current.offset(), following.end() - current.offset(), current.kind());
            } else {
                final long cell = current.end() - current.end() % alignment;
                final Extent mixed = mix(cell, following);
                if (cell > current.offset()) {
                    open = mixed;
                    return current.part(0, cell - current.offset());
                }
                current = mixed;
            }
        }
        return null;
    }

    /** Returns the cell as data, as far as {@code second} fills it, and keeps the rest of that for later. */
    private Extent mix(final long cell, final Extent second) {
        final long cellEnd = cell + alignment;
        if (second.end() > cellEnd) {
            ahead = second.part(cellEnd - second.offset(), second.end() - cellEnd);
        }
        return Extent.data(cell, Math.min(cellEnd, second.end()) - cell);
    }

    private @Nullable Extent fresh() throws IOException {
        final Extent extent = ahead != null ? ahead : plan.next();
        ahead = null;
        return extent;
    }

    private @Nullable Extent begun(final @Nullable Extent extent) throws ReplicationException {
        if (extent != null && !isAligned(extent.offset())) {
            throw misaligned(extent);
        }
        return extent;
    }

    private boolean isAligned(final long offset) {
        return offset % alignment == 0;
    }

    private void checkEnd(final Extent extent) throws ReplicationException {
        final boolean atEnd = sizeBytes == Unit.UNKNOWN || extent.end() == sizeBytes;
        if (!isAligned(extent.end()) && !atEnd) {
            throw misaligned(extent);
        }
    }

    private ReplicationException misaligned(final Extent extent) {
        return ReplicationException.misuse("extent offset=" + extent.offset() + " length=" + extent.length()
                + " does not lie on multiples of " + alignment + " bytes, as source and target need");
    }

    @Override
    public long totalBytes() {
        return plan.totalBytes();
    }

    @Override
    public void close() throws IOException {
        plan.close();
    }
}
