package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;

/** Turns the payload of a data frame into the bytes of its extent. Used by one thread. */
final class FrameDecoder {
    private final Compression compression;
    private final BlockPool pool;

    /** Creates a decoder that takes blocks for decompressed bytes from {@code pool}. */
    FrameDecoder(final BlockPool pool) {
        this.pool = pool;
        this.compression = new Compression();
    }

    /** Returns the bytes of the extent; the caller owns a reference to them. */
    Block decode(final Frame frame, final Block payload) throws IOException {
        final int method = frame.flags() & FrameHeader.COMPRESSION_MASK;
        if (method == Compression.NONE) {
            if (payload.length() != frame.extentLength()) {
                throw ReplicationException.corrupt(frame + ": the payload has " + payload.length() + " bytes");
            }
            return payload.retain();
        }
        final Block raw = pool.take();
        try {
            raw.length((int) frame.extentLength());
            compression.decompress(method, payload.bytes(), raw.bytes());
            return raw;
        } catch (final IOException | RuntimeException e) {
            raw.release();
            throw e;
        }
    }

    /** Adds the bytes to a digest, by the frame's own CRC32C where it is the one of the bytes. */
    void addTo(final ExtentDigest digest, final Frame frame, final Block raw) {
        final boolean oneChunk =
                frame.position() / ExtentDigest.CHUNK_BYTES == (frame.endPosition() - 1) / ExtentDigest.CHUNK_BYTES;
        if ((frame.flags() & FrameHeader.COMPRESSION_MASK) == Compression.NONE && oneChunk) {
            digest.data(frame.position(), frame.extentLength(), frame.payloadCrc());
        } else {
            digest.data(frame.position(), raw.bytes());
        }
    }
}
