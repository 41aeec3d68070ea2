package io.replicate.delta.cow;

import io.replicate.core.posix.Pieces;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Where a writer gets the data of its exceptions. */
public interface ChunkData {

    /** Returns the byte address of an exception's data: data at adjoining addresses is read as one. */
    long address(long oldChunk, long newChunk);

    /** Reads {@code into.remaining()} bytes at an address; what lies behind the end reads as zero. */
    void read(long address, ByteBuffer into) throws IOException;

    /** As {@link #read}, of every piece into its part of the buffer, whose position and limit stay. */
    default void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
        for (int i = 0; i < pieces.count(); i++) {
            read(pieces.offset(i), into.slice(pieces.position(i), pieces.length(i)));
        }
    }

    /**
     * Returns how many threads should read at a time where these places are wanted: 1 where only one may.
     *
     * @param addresses of some of what will be read, in bytes.
     */
    default int readers(final long[] addresses) throws IOException {
        return 1;
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
            public int readers(final long[] addresses) throws IOException {
                return image.readers(addresses);
            }

            @Override
            public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
                if (pieces.end() <= imageBytes) {
                    image.readAll(pieces, into);
                } else {
                    ChunkData.super.readAll(pieces, into);
                }
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
            public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
                store.readAll(pieces, into);
            }

            @Override
            public void read(final long address, final ByteBuffer into) throws IOException {
                store.readBytes(address, into);
            }
        };
    }
}
