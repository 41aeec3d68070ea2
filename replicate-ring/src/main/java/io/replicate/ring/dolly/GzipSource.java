package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPOutputStream;

/** Another source as a gzip stream. */
final class GzipSource implements StreamSource {
    private static final int PIECE_BYTES = 256 << 10;

    private final StreamSource plain;
    private final Block piece = Block.unpooled(PIECE_BYTES);
    private final ByteArrayOutputStream packed = new ByteArrayOutputStream(PIECE_BYTES);
    private final GZIPOutputStream gzip;
    private byte[] ready = new byte[0];
    private int at;
    private boolean begun;
    private boolean finished;

    GzipSource(final StreamSource plain) throws IOException {
        this.plain = plain;
        this.gzip = new GZIPOutputStream(packed, 64 << 10);
    }

    @Override
    public boolean read(final Block into, final int most) throws IOException {
        final ByteBuffer space = into.space().limit(most);
        while (space.hasRemaining()) {
            if (at == ready.length && !refill()) {
                break;
            }
            final int length = Math.min(space.remaining(), ready.length - at);
            space.put(ready, at, length);
            at += length;
        }
        into.length(space.position());
        return into.length() > 0;
    }

    private boolean refill() throws IOException {
        if (begun) {
            packed.reset();
        }
        begun = true; // the header is there from the beginning
        while (packed.size() == 0 && !finished) {
            if (plain.read(piece, piece.capacity())) {
                final byte[] bytes = new byte[piece.length()];
                piece.bytes().get(bytes);
                gzip.write(bytes);
            } else {
                gzip.finish();
                finished = true;
            }
        }
        ready = packed.toByteArray();
        at = 0;
        return ready.length > 0;
    }

    @Override
    public void close() throws IOException {
        piece.release();
        plain.close();
    }
}
