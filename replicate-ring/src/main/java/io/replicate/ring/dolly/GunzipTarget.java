package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** Unpacks a gzip stream into another target. */
final class GunzipTarget implements StreamTarget {
    private static final int PIECE_BYTES = 256 << 10;

    private final StreamTarget plain;
    private final PipedBlocks packed = new PipedBlocks();
    private final Thread unpacker;
    private volatile @Nullable IOException failure;

    GunzipTarget(final StreamTarget plain) {
        this.plain = plain;
        this.unpacker = Threads.start("dolly-gunzip", this::unpack);
    }

    private void unpack() {
        final Block piece = Block.unpooled(PIECE_BYTES);
        final byte[] buffer = new byte[PIECE_BYTES];
        try (GZIPInputStream in = new GZIPInputStream(packed, 64 << 10)) {
            long offset = 0;
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (n > 0) {
                    piece.space().put(buffer, 0, n);
                    piece.length(n);
                    plain.write(offset, piece);
                    offset += n;
                }
            }
        } catch (final IOException e) {
            failure = ReplicationException.corrupt("the stream cannot be unpacked: " + e.getMessage());
            packed.failed(failure);
        } finally {
            piece.release();
        }
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        packed.put(block);
    }

    @Override
    public void commit() throws IOException {
        packed.end();
        Threads.join(unpacker);
        final @Nullable IOException failed = failure;
        if (failed != null) {
            throw failed;
        }
        plain.commit();
    }

    @Override
    public void close() throws IOException {
        packed.abort();
        Threads.join(unpacker);
        plain.close();
    }
}
