package io.replicate.nbd.bitmap;

import io.replicate.core.spi.Extent;
import java.util.ArrayList;
import java.util.List;

/**
 * Which chunks of a volume were changed since the bitmap was made or last cleared. Safe for use by any thread. A chunk
 * is marked after its change and before the change is acknowledged, so that whoever clears a bitmap and then copies what
 * it had marked never misses an acknowledged write.
 */
public final class DirtyBitmap {
    /** What a chunk is when nobody says otherwise: 64 KiB. */
    public static final int DEFAULT_GRANULARITY = 64 << 10;

    private static final int MIN_GRANULARITY = 512;
    private static final int MAX_GRANULARITY = 1 << 30;

    private final String name;
    private final long sizeBytes;
    private final int shift;
    private final AtomicBits bits;

    DirtyBitmap(String name, long sizeBytes, int granularity) {
        if (Integer.bitCount(granularity) != 1 || granularity < MIN_GRANULARITY || granularity > MAX_GRANULARITY) {
            throw new IllegalArgumentException(
                    "granularity " + granularity + " is no power of two between 512 bytes and 1 GiB");
        }
        this.name = name;
        this.sizeBytes = sizeBytes;
        this.shift = Integer.numberOfTrailingZeros(granularity);
        this.bits = new AtomicBits((sizeBytes + granularity - 1) >>> shift);
    }

    /** Returns the name. */
    public String name() {
        return name;
    }

    /** Returns the size of a chunk in bytes. */
    public int granularity() {
        return 1 << shift;
    }

    /** Returns how many bytes lie in marked chunks. */
    public long dirtyBytes() {
        final long chunks = bits.count();
        final boolean tail = bits.size() > 0 && bits.get(bits.size() - 1);
        return (chunks << shift) - (tail ? (bits.size() << shift) - sizeBytes : 0);
    }

    /** Marks the chunks that a range touches. */
    public void mark(long offset, long length) {
        if (length > 0) {
            bits.set(offset >>> shift, (offset + length - 1) >>> shift);
        }
    }

    /** Unmarks everything. */
    public void clear() {
        if (bits.size() > 0) {
            bits.clear(0, bits.size() - 1);
        }
    }

    /**
     * Returns the runs of equal state in a range, in order and without gaps: DATA is dirty, HOLE is clean.
     *
     * @param limit the most runs; what lies behind the last one is not described.
     */
    public List<Extent> runs(long offset, long length, int limit) {
        final List<Extent> runs = new ArrayList<>();
        final long end = Math.min(sizeBytes, offset + length);
        long at = offset;
        while (at < end && runs.size() < limit) {
            final boolean dirty = bits.get(at >>> shift);
            final long next = Math.min(end, bits.next(at >>> shift, !dirty) << shift);
            runs.add(dirty ? Extent.data(at, next - at) : Extent.hole(at, next - at));
            at = next;
        }
        return runs;
    }
}
