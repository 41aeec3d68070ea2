package io.replicate.nbd.bitmap;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A set of bits that many threads set, clear and read without locks. Memory is taken where bits are set: 8 KiB for each
 * 65536 bits. A range is not set or cleared as one: a reader may see a part of it.
 */
public final class AtomicBits {
    private static final int PAGE_SHIFT = 16;
    private static final int PAGE_WORDS = 1 << (PAGE_SHIFT - 6);
    private static final long PAGE_MASK = (1L << PAGE_SHIFT) - 1;

    private final AtomicReferenceArray<@Nullable AtomicLongArray> pages;
    private final long size;

    /** Creates {@code size} clear bits. */
    public AtomicBits(long size) {
        final long pageCount = (size + PAGE_MASK) >>> PAGE_SHIFT;
        if (size < 0 || pageCount > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(size + " bits");
        }
        this.size = size;
        this.pages = new AtomicReferenceArray<>((int) pageCount);
    }

    /** Returns the number of bits. */
    public long size() {
        return size;
    }

    /** Returns whether bit {@code index} is set. */
    public boolean get(long index) {
        final @Nullable AtomicLongArray page = pages.get((int) (index >>> PAGE_SHIFT));
        return page != null && (page.get((int) (index & PAGE_MASK) >>> 6) >>> index & 1) != 0;
    }

    /** Returns whether all bits from {@code from} to {@code to} (inclusive) are set. */
    public boolean all(long from, long to) {
        for (long i = from; i <= to; i++) {
            if (!get(i)) {
                return false;
            }
        }
        return true;
    }

    /** Sets the bits from {@code from} to {@code to} (inclusive). */
    public void set(long from, long to) {
        for (long i = from; i <= to; ) {
            final long last = Math.min(to, i | 63);
            final AtomicLongArray page = pageAt((int) (i >>> PAGE_SHIFT));
            final int word = (int) (i & PAGE_MASK) >>> 6;
            final long mask = mask(i, last);
            if ((page.get(word) & mask) != mask) {
                page.accumulateAndGet(word, mask, (a, b) -> a | b);
            }
            i = last + 1;
        }
    }

    /** Clears the bits from {@code from} to {@code to} (inclusive). */
    public void clear(long from, long to) {
        for (long i = from; i <= to; ) {
            final @Nullable AtomicLongArray page = pages.get((int) (i >>> PAGE_SHIFT));
            if (page == null) {
                i = (i | PAGE_MASK) + 1;
                continue;
            }
            final long last = Math.min(to, i | 63);
            page.accumulateAndGet((int) (i & PAGE_MASK) >>> 6, mask(i, last), (a, b) -> a & ~b);
            i = last + 1;
        }
    }

    /** Returns the first bit at or after {@code from} whose state is {@code state}, or {@link #size()}. */
    public long next(long from, boolean state) {
        long i = from;
        while (i < size) {
            final @Nullable AtomicLongArray page = pages.get((int) (i >>> PAGE_SHIFT));
            if (page == null) {
                if (!state) {
                    return i;
                }
                i = (i | PAGE_MASK) + 1;
                continue;
            }
            final long stored = page.get((int) (i & PAGE_MASK) >>> 6);
            final long word = (state ? stored : ~stored) >>> i;
            if (word != 0) {
                return Math.min(size, i + Long.numberOfTrailingZeros(word));
            }
            i = (i | 63) + 1;
        }
        return size;
    }

    /** Returns how many bits are set. */
    public long count() {
        long count = 0;
        for (int p = 0; p < pages.length(); p++) {
            final @Nullable AtomicLongArray page = pages.get(p);
            for (int w = 0; page != null && w < PAGE_WORDS; w++) {
                count += Long.bitCount(page.get(w));
            }
        }
        return count;
    }

    private AtomicLongArray pageAt(int index) {
        @Nullable AtomicLongArray page = pages.get(index);
        if (page == null) {
            final AtomicLongArray fresh = new AtomicLongArray(PAGE_WORDS);
            page = pages.compareAndSet(index, null, fresh) ? fresh : pages.get(index);
        }
        if (page == null) {
            throw new IllegalStateException("page " + index + " vanished");
        }
        return page;
    }

    private static long mask(long from, long to) {
        return -1L << from & -1L >>> (63 - (to & 63));
    }
}
