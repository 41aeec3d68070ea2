package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/** Where a writer gets the data of its exceptions. */
public interface ChunkData {

    /** Returns the byte address of an exception's data: data at adjoining addresses is read as one. */
    long address(long oldChunk, long newChunk);

    /** Reads {@code into.remaining()} bytes at an address; what lies behind the end reads as zero. */
    void read(long address, ByteBuffer into) throws IOException;

    /** Returns whether several threads may read at once. */
    default boolean concurrent() {
        return false;
    }

    /**
     * Returns the data as a file whose bytes are at their addresses, when what is at these addresses is in memory; else
     * null. Closed by the caller.
     */
    default @Nullable FileChannel cached(final long[] addresses) throws IOException {
        return null;
    }

    /**
     * Returns the data of an image: an exception's data is at its origin chunk.
     *
     * @param imageBytes behind which everything is zero.
     */
    static ChunkData ofImage(final RandomBytes image, final SnapLayout layout, final long imageBytes) {
        return new ChunkData() {
            @Override
            public long address(final long oldChunk, final long newChunk) {
                return oldChunk * layout.chunkBytes();
            }

            @Override
            public boolean concurrent() {
                return image.concurrent();
            }

            @Override
            public @Nullable FileChannel cached(final long[] addresses) throws IOException {
                return image.cached(addresses);
            }

            @Override
            public void read(final long address, final ByteBuffer into) throws IOException {
                final int length = into.remaining();
                final int there = (int) Math.max(0, Math.min(length, imageBytes - address));
                final int end = into.limit();
                if (there > 0) {
                    image.read(address, into.limit(into.position() + there));
                }
                into.limit(end);
                while (into.hasRemaining()) {
                    into.put((byte) 0);
                }
            }
        };
    }

    /** Returns the data that a store itself holds. */
    static ChunkData ofStore(final StoreReader store) {
        return new ChunkData() {
            @Override
            public long address(final long oldChunk, final long newChunk) {
                return newChunk * store.layout().chunkBytes();
            }

            @Override
            public void read(final long address, final ByteBuffer into) throws IOException {
                store.readBytes(address, into);
            }
        };
    }
}
