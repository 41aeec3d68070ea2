package io.replicate.core.memory;

import io.replicate.core.spi.Extent;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;

/** Bytes by page; a page that was never written is a hole. Any offset up to 2^63 works. Thread-safe. */
final class Pages {
    static final int PAGE_BYTES = 64 << 10;

    private final ConcurrentSkipListMap<Long, byte[]> pages = new ConcurrentSkipListMap<>();

    void read(final long offset, final ByteBuffer into) {
        long position = offset;
        while (into.hasRemaining()) {
            final int within = (int) (position % PAGE_BYTES);
            final int n = Math.min(PAGE_BYTES - within, into.remaining());
            final byte[] page = pages.get(position / PAGE_BYTES);
            if (page == null) {
                zeros(into, n);
            } else {
                into.put(page, within, n);
            }
            position += n;
        }
    }

    private static void zeros(final ByteBuffer into, final int n) {
        for (int i = 0; i < n; i++) {
            into.put((byte) 0);
        }
    }

    void write(final long offset, final ByteBuffer from) {
        long position = offset;
        while (from.hasRemaining()) {
            final int within = (int) (position % PAGE_BYTES);
            final int n = Math.min(PAGE_BYTES - within, from.remaining());
            from.get(pages.computeIfAbsent(position / PAGE_BYTES, number -> new byte[PAGE_BYTES]), within, n);
            position += n;
        }
    }

    /** Makes a range read as zero; whole pages go unless they are to be kept. */
    void zero(final long offset, final long length, final boolean keep) {
        final long end = offset + length;
        final long firstWhole = (offset + PAGE_BYTES - 1) / PAGE_BYTES;
        final long endWhole = end / PAGE_BYTES;
        if (firstWhole >= endWhole) {
            clear(offset, end, keep);
            return;
        }
        clear(offset, firstWhole * PAGE_BYTES, keep);
        if (keep) {
            clear(firstWhole * PAGE_BYTES, endWhole * PAGE_BYTES, true);
        } else {
            pages.subMap(firstWhole, endWhole).clear();
        }
        clear(endWhole * PAGE_BYTES, end, keep);
    }

    private void clear(final long from, final long to, final boolean keep) {
        for (long position = from; position < to; position = nextPage(position)) {
            final int within = (int) (position % PAGE_BYTES);
            final int n = (int) Math.min(PAGE_BYTES - within, to - position);
            final long number = position / PAGE_BYTES;
            final byte[] page =
                    keep ? pages.computeIfAbsent(number, absent -> new byte[PAGE_BYTES]) : pages.get(number);
            if (page != null) {
                Arrays.fill(page, within, within + n, (byte) 0);
            }
        }
    }

    /** Returns data and holes from {@code offset} on, at most {@code limit} extents. */
    List<Extent> extents(final long offset, final long length, final int limit) {
        final List<Extent> found = new ArrayList<>();
        final long end = offset + length;
        long begin = offset;
        while (begin < end && found.size() < limit) {
            final boolean data = pages.containsKey(begin / PAGE_BYTES);
            final long to = Math.min(data ? endOfData(begin, end) : endOfHole(begin, end), end);
            found.add(data ? Extent.data(begin, to - begin) : Extent.hole(begin, to - begin));
            begin = to;
        }
        return found;
    }

    private long endOfData(final long from, final long limit) {
        long to = nextPage(from);
        while (to < limit && pages.containsKey(to / PAGE_BYTES)) {
            to = nextPage(to);
        }
        return to;
    }

    private long endOfHole(final long from, final long limit) {
        final Long next = pages.higherKey(from / PAGE_BYTES);
        return next == null ? limit : next * PAGE_BYTES;
    }

    private static long nextPage(final long offset) {
        return (offset / PAGE_BYTES + 1) * PAGE_BYTES;
    }
}
