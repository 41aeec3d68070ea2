package io.replicate.nbd.client;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which bytes of a read have come. A server may send them in pieces and in any order, but none twice: counting alone
 * would take the same half sent twice for the whole. Not safe for use by several threads.
 */
final class Coverage {
    /** Pieces that do not touch; a server that needs more of them means no good. */
    private static final int MAX_ISLANDS = 1 << 16;

    private long head;
    private @Nullable TreeMap<Long, Long> islands;

    /** Takes a piece; returns false when some of it had come before, or there are too many of them. */
    boolean add(long begin, long length) {
        final long end = begin + length;
        if (begin < head) {
            return false;
        }
        return (islands == null && begin == head) ? advance(end) : island(begin, end);
    }

    private boolean advance(long end) {
        head = end;
        return true;
    }

    private boolean island(long begin, long end) {
        if (islands == null) {
            islands = new TreeMap<>();
        }
        final Map.@Nullable Entry<Long, Long> before = islands.floorEntry(begin);
        final Map.@Nullable Entry<Long, Long> after = islands.ceilingEntry(begin);
        if ((before != null && before.getValue() > begin) || (after != null && after.getKey() < end)) {
            return false;
        }
        long from = begin;
        long to = end;
        if (before != null && before.getValue() == begin) {
            from = before.getKey();
        }
        if (after != null && after.getKey() == end) {
            to = after.getValue();
            islands.remove(after.getKey());
        }
        if (from == head) {
            islands.remove(from);
            return advance(to);
        }
        islands.put(from, to);
        return islands.size() <= MAX_ISLANDS;
    }

    /** Returns whether the first {@code length} bytes are all there. */
    boolean reaches(long length) {
        return head == length;
    }
}
