package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.job.Zeros;
import io.replicate.core.posix.Fd;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A piece of the stream on its way through a node: in memory, in a file where the kernel has put it or finds it, or
 * nothing but zeros. It never crosses a cut of the digest, so its CRC is computed once, for the wire and for the digest.
 *
 * @param offset in the stream in bytes.
 * @param length in bytes, 1 to {@link ExtentDigest#CHUNK_BYTES}.
 * @param zero whether all bytes are zero; then a block is optional.
 * @param crc CRC32C of the bytes, of no meaning for zeros.
 * @param block that holds the bytes, or null.
 * @param file that holds the bytes at {@code fileOffset}, or null.
 */
record Piece(
        long offset,
        int length,
        boolean zero,
        int crc,
        @Nullable Block block,
        @Nullable Fd file,
        long fileOffset) {

    private static final class ZeroBytes {
        static final ByteBuffer ALL = ByteBuffer.allocateDirect(ExtentDigest.CHUNK_BYTES);
    }

    /** Returns the piece that a block holds; takes over the caller's reference. */
    static Piece of(final long offset, final Block block, final CRC32C crc) {
        final boolean zero = Zeros.isZero(block.bytes());
        if (!zero) {
            crc.reset();
            crc.update(block.bytes());
        }
        return new Piece(offset, block.length(), zero, zero ? 0 : (int) crc.getValue(), block, null, 0);
    }

    /** Returns the piece that a block holds whose CRC was checked; takes over the caller's reference. */
    static Piece checked(final long offset, final Block block, final int crc) {
        return new Piece(offset, block.length(), false, crc, block, null, 0);
    }

    static Piece zeros(final long offset, final int length) {
        return new Piece(offset, length, true, 0, null, null, 0);
    }

    static Piece inFile(final long offset, final int length, final int crc, final Fd file, final long fileOffset) {
        return new Piece(offset, length, false, crc, null, file, fileOffset);
    }

    /** Returns how many bytes there are from {@code offset} to the next cut of the digest. */
    static int roomAt(final long offset) {
        return (int) (ExtentDigest.CHUNK_BYTES - offset % ExtentDigest.CHUNK_BYTES);
    }

    long end() {
        return offset + length;
    }

    /** Returns the bytes, where they are in memory or zero. */
    ByteBuffer bytes() {
        if (block != null) {
            return block.bytes();
        }
        if (!zero) {
            throw new IllegalStateException("the bytes are in " + file);
        }
        return ZeroBytes.ALL.slice(0, length).asReadOnlyBuffer();
    }

    void addTo(final ExtentDigest digest) {
        if (zero) {
            digest.zeros(offset, length);
        } else {
            digest.data(offset, length, crc);
        }
    }

    Piece retain() {
        if (block != null) {
            block.retain();
        }
        return this;
    }

    void release() {
        if (block != null) {
            block.release();
        }
    }
}
