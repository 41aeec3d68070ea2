package io.replicate.ring.internal;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jspecify.annotations.Nullable;

/** The compression methods of a frame, by their bits in its flags. Used by one thread; direct buffers only. */
final class Compression {
    static final int NONE = 0;
    static final int LZ4 = 1;
    static final int ZSTD = 2;

    private static final int ZSTD_LEVEL = 1;

    private @Nullable LZ4Compressor lz4Compressor;
    private @Nullable LZ4SafeDecompressor lz4Decompressor;
    private @Nullable ZstdCompressCtx zstdCompressor;
    private @Nullable ZstdDecompressCtx zstdDecompressor;

    /** Returns the length of the compressed bytes put to the beginning of {@code to}, or 0 when they do not fit there. */
    int compress(final int method, final ByteBuffer from, final ByteBuffer to) {
        try {
            return switch (method) {
                case LZ4 -> lz4Compressor().compress(from, from.position(), from.remaining(), to, 0, to.capacity());
                case ZSTD ->
                    zstdCompressor()
                            .compressDirectByteBuffer(to, 0, to.capacity(), from, from.position(), from.remaining());
                default -> throw new IllegalArgumentException("compression " + method);
            };
        } catch (final LZ4Exception | ZstdException e) {
            return 0;
        }
    }

    /** Decompresses all of {@code from} to exactly fill {@code to}. */
    void decompress(final int method, final ByteBuffer from, final ByteBuffer to) throws ReplicationException {
        final int length;
        try {
            length = switch (method) {
                case LZ4 ->
                    lz4Decompressor().decompress(from, from.position(), from.remaining(), to, 0, to.remaining());
                case ZSTD ->
                    zstdDecompressor()
                            .decompressDirectByteBuffer(to, 0, to.remaining(), from, from.position(), from.remaining());
                default -> throw ReplicationException.corrupt("unknown compression " + method);
            };
        } catch (final LZ4Exception | ZstdException e) {
            throw ReplicationException.corrupt("a frame cannot be decompressed: " + e.getMessage());
        }
        if (length != to.remaining()) {
            throw ReplicationException.corrupt(
                    "a frame decompressed to " + length + " bytes, expected " + to.remaining());
        }
    }

    private LZ4Compressor lz4Compressor() {
        if (lz4Compressor == null) {
            lz4Compressor = LZ4Factory.fastestInstance().fastCompressor();
        }
        return lz4Compressor;
    }

    private LZ4SafeDecompressor lz4Decompressor() {
        if (lz4Decompressor == null) {
            lz4Decompressor = LZ4Factory.fastestInstance().safeDecompressor();
        }
        return lz4Decompressor;
    }

    private ZstdCompressCtx zstdCompressor() {
        if (zstdCompressor == null) {
            zstdCompressor = new ZstdCompressCtx().setLevel(ZSTD_LEVEL);
        }
        return zstdCompressor;
    }

    private ZstdDecompressCtx zstdDecompressor() {
        if (zstdDecompressor == null) {
            zstdDecompressor = new ZstdDecompressCtx();
        }
        return zstdDecompressor;
    }
}
