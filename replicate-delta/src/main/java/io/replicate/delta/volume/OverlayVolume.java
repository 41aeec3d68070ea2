package io.replicate.delta.volume;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A base with the changes of a store over it: the view that dm-snapshot would give. While a committed merge is being
 * applied it shows the new image from the first moment. Read-only. Safe for concurrent use.
 */
public final class OverlayVolume implements Volume {
    private static final int PREFERRED_BYTES = 1 << 20;

    private final RandomBytes base;
    private final StoreReader store;
    private final SortedIndex index;
    private final long sizeBytes;
    private final List<AutoCloseable> owned;

    /**
     * Creates a view.
     *
     * @param sizeBytes of the image; what lies behind it is not shown.
     * @param owned is closed with the view.
     */
    public OverlayVolume(
            final RandomBytes base,
            final StoreReader store,
            final ExceptionList exceptions,
            final long sizeBytes,
            final List<AutoCloseable> owned)
            throws IOException {
        this.base = base;
        this.store = store;
        this.index = new SortedIndex(exceptions);
        this.sizeBytes = sizeBytes;
        this.owned = List.copyOf(owned);
    }

    @Override
    public Geometry geometry() {
        return Geometry.bytes(sizeBytes);
    }

    @Override
    public boolean readOnly() {
        return true;
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        requireInside(offset, into.remaining());
        final long chunk = store.layout().chunkBytes();
        long at = offset;
        long next = index.ceiling(offset / chunk);
        while (into.hasRemaining()) {
            final long changed = index.oldChunk(next);
            if (changed == at / chunk) {
                final int n = (int) Math.min(into.remaining(), chunk - at % chunk);
                store.readBytes(index.newChunk(next) * chunk + at % chunk, SortedIndex.piece(into, n));
                at += n;
                next++;
            } else {
                final long end = changed == Long.MAX_VALUE ? Long.MAX_VALUE : changed * chunk;
                final int n = (int) Math.min(into.remaining(), end - at);
                base.read(at, SortedIndex.piece(into, n));
                at += n;
            }
        }
    }

    private void requireInside(final long offset, final long length) {
        if (offset < 0 || length < 0 || offset > sizeBytes - length) {
            throw new IllegalArgumentException("offset=" + offset + " length=" + length + " of " + sizeBytes);
        }
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        final ArrayDeque<Extent> extents = new ArrayDeque<>();
        if (selection instanceof Selection.All) {
            if (sizeBytes > 0) {
                extents.add(Extent.data(0, sizeBytes));
            }
        } else if (selection instanceof Selection.Ranges ranges) {
            for (final Extent range : ranges.extents()) {
                if (range.end() > sizeBytes) {
                    throw ReplicationException.misuse(range + " is behind the end at " + sizeBytes);
                }
                extents.add(Extent.data(range.offset(), range.length()));
            }
        } else {
            throw ReplicationException.misuse("a delta view knows no selection such as " + selection);
        }
        final long total = extents.stream().mapToLong(Extent::length).sum();
        return new Plan<>() {
            @Override
            public @Nullable Extent next() {
                return extents.poll();
            }

            @Override
            public long totalBytes() {
                return total;
            }
        };
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        if (unit.offset() >= sizeBytes) {
            into.length(0);
            return -1;
        }
        final int length = (int) Math.min(unit.length(), sizeBytes - unit.offset());
        into.length(length);
        read(unit.offset(), into.bytes());
        return length;
    }

    @Override
    public List<Extent> extents(final long offset, final long length, final int limit) {
        requireInside(offset, length);
        return List.of(Extent.data(offset, Math.max(1, Math.min(length, PREFERRED_BYTES * 1024L))));
    }

    @Override
    public void write(final long offset, final ByteBuffer from, final Set<Flag> flags) throws IOException {
        throw readOnlyFailure();
    }

    @Override
    public void zero(final long offset, final long length, final Set<Flag> flags) throws IOException {
        throw readOnlyFailure();
    }

    @Override
    public void trim(final long offset, final long length, final Set<Flag> flags) throws IOException {
        throw readOnlyFailure();
    }

    private static ReplicationException readOnlyFailure() {
        return ReplicationException.misuse("a delta view is read-only");
    }

    @Override
    public void flush() {}

    @Override
    public void close() throws IOException {
        index.close();
        for (final AutoCloseable resource : owned) {
            try {
                resource.close();
            } catch (final IOException e) {
                throw e;
            } catch (final Exception e) {
                throw ReplicationException.fail("close: " + e.getMessage(), e);
            }
        }
    }
}
