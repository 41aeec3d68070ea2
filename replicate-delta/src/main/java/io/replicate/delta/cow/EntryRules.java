package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;

/** What an exception may say. Stricter than the kernel, which finds some of this only when the data is read. */
final class EntryRules {
    private final SnapLayout layout;
    private final String where;

    EntryRules(final SnapLayout layout, final String where) {
        this.layout = layout;
        this.where = where;
    }

    /**
     * Checks one exception.
     *
     * @param endChunk the first chunk that the store does not have.
     */
    void check(final long area, final long index, final long oldChunk, final long newChunk, final long endChunk)
            throws ReplicationException {
        if (oldChunk < 0 || oldChunk > Long.MAX_VALUE / layout.chunkBytes() - 1) {
            throw bad(area, index, "origin chunk " + Long.toUnsignedString(oldChunk) + " is beyond what can exist");
        }
        if (newChunk < SnapLayout.FIRST_DATA_CHUNK || newChunk >= endChunk) {
            throw bad(
                    area,
                    index,
                    "data chunk " + Long.toUnsignedString(newChunk) + " is outside the store (2 to " + (endChunk - 1)
                            + "); it was cut, or is damaged");
        }
        if (layout.isMetadata(newChunk)) {
            throw bad(
                    area,
                    index,
                    "data chunk " + newChunk + " is the place of an area: the store is corrupt (CVE-2013-4299)");
        }
    }

    private ReplicationException bad(final long area, final long index, final String what) {
        return ReplicationException.corrupt(where + ": area " + area + " entry " + index + " (offset "
                + (layout.areaOffset(area) + index * SnapLayout.ENTRY_BYTES) + "): " + what);
    }
}
