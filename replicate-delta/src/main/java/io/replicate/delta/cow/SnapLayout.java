package io.replicate.delta.cow;

/**
 * Where things lie in an exception store. The unit is the chunk: chunk 0 is the header, and behind it each area of
 * exceptions is followed by the data chunks of as many exceptions as an area has entries.
 *
 * @param chunkBytes a power of two, 512 to 1 GiB.
 */
public record SnapLayout(long chunkBytes) {
    /** An exception on disk: two u64, the chunk of the origin and the chunk of the store. */
    public static final int ENTRY_BYTES = 16;

    /** The first chunk that can hold data: 0 is the header, 1 is area 0. */
    public static final long FIRST_DATA_CHUNK = 2;

    public SnapLayout {
        if (chunkBytes < SnapHeader.SECTOR_BYTES
                || chunkBytes > SnapHeader.MAX_CHUNK_BYTES
                || Long.bitCount(chunkBytes) != 1) {
            throw new IllegalArgumentException("chunk of " + chunkBytes + " bytes");
        }
    }

    /** Returns how many exceptions an area has room for. */
    public long entriesPerArea() {
        return chunkBytes / ENTRY_BYTES;
    }

    /** Returns the number of chunks from one area to the next. */
    public long strideChunks() {
        return entriesPerArea() + 1;
    }

    /** Returns the chunk of an area. */
    public long areaChunk(final long area) {
        return Math.addExact(1, Math.multiplyExact(area, strideChunks()));
    }

    /** Returns the offset of an area in bytes. */
    public long areaOffset(final long area) {
        return Math.multiplyExact(areaChunk(area), chunkBytes);
    }

    /** Returns whether a chunk of the store is the header or the place of an area. */
    public boolean isMetadata(final long chunk) {
        return chunk == 0 || (chunk - 1) % strideChunks() == 0;
    }

    /** Returns the chunk that the data of the {@code k}-th exception (from 0) gets when it is allocated in order. */
    public long dataChunk(final long k) {
        return FIRST_DATA_CHUNK + k + k / entriesPerArea();
    }

    /** Returns how many areas a store of {@code exceptions} has: the last one is never full. */
    public long areas(final long exceptions) {
        return exceptions / entriesPerArea() + 1;
    }

    /** Returns the length in bytes of a store written in order, the closing area included. */
    public long storeBytes(final long exceptions) {
        return Math.multiplyExact(1 + areas(exceptions) + exceptions, chunkBytes);
    }
}
