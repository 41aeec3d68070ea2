package io.replicate.core.job;

import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;

/**
 * How a copy of places is cut.
 *
 * @param bytes of a block, a power of two, at most a chunk of the digest, so that no block lies in two chunks.
 * @param alignment that both ends need, a power of two.
 */
record BlockSize(int bytes, int alignment) {

    static BlockSize of(final Geometry source, final Geometry sink) throws ReplicationException {
        final int alignment = Math.max(source.minIoBytes(), sink.minIoBytes());
        final int most = Math.min(Math.min(source.maxIoBytes(), sink.maxIoBytes()), ExtentDigest.CHUNK_BYTES);
        final int bytes = Integer.highestOneBit(most);
        if (bytes < alignment) {
            throw ReplicationException.misuse("source and target have no block size in common: one needs at least "
                    + alignment + " bytes at a time, the other takes no more than " + most);
        }
        return new BlockSize(bytes, alignment);
    }

    /** Returns how many blocks keep all workers busy within the memory. */
    int count(final long memoryBytes, final int readers, final int writers) throws ReplicationException {
        if (memoryBytes < bytes) {
            throw ReplicationException.misuse(
                    "memory of " + memoryBytes + " bytes is less than one block of " + bytes + " bytes");
        }
        return (int) Math.min(2L * (readers + writers), memoryBytes / bytes);
    }
}
