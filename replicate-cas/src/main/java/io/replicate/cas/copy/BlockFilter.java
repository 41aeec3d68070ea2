package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import org.jspecify.annotations.Nullable;

/**
 * Which contents of the source count.
 *
 * @param minBytes of a content.
 * @param maxBytes of a content.
 * @param newerThanNs a copy must have been written or touched at or after that, in nanoseconds since 1970.
 * @param include the only hashes that count, or null for all.
 */
public record BlockFilter(
        long minBytes,
        long maxBytes,
        long newerThanNs,
        @Nullable DigestTable include) {
    /** Everything counts. */
    public static final BlockFilter ALL = new BlockFilter(0, Long.MAX_VALUE, Long.MIN_VALUE, null);

    boolean takesEntry(final byte[] hash, final long mtimeNs) {
        final DigestTable only = include;
        return mtimeNs >= newerThanNs && (only == null || only.contains(hash));
    }

    boolean takesSize(final long sizeBytes) {
        return sizeBytes >= minBytes && sizeBytes <= maxBytes;
    }
}
