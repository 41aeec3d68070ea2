package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import java.io.IOException;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Compresses frames where that pays: a block that shrinks by less than an eighth is sent as it is, and after a few such
 * blocks in a row only every sixteenth is tried. Used by one thread.
 */
final class FrameEncoder {
    private static final int GIVE_UP_AFTER = 4;
    private static final int TRY_EVERY = 16;

    private final int method;
    private final BlockPool pool;
    private final Compression compression = new Compression();
    private final CRC32C crc = new CRC32C();
    private int unpaid;

    /** Creates an encoder; the method is one of {@link Compression}. */
    FrameEncoder(final int method, final BlockPool pool) {
        this.method = method;
        this.pool = pool;
    }

    /** Returns the frame as it shall be sent; takes over the given one. */
    Frame encode(final Frame frame) throws IOException {
        final @Nullable Block raw = frame.payload();
        if (raw == null || method == Compression.NONE || !worthTrying()) {
            return frame;
        }
        final Block packed;
        try {
            packed = pool.take();
        } catch (final IOException e) {
            frame.release();
            throw e;
        }
        final int length = compression.compress(method, raw.bytes(), packed.space());
        if (length <= 0 || length > raw.length() - raw.length() / 8) {
            packed.release();
            unpaid++;
            return frame;
        }
        unpaid = 0;
        packed.length(length);
        crc.reset();
        crc.update(packed.bytes());
        final Frame result = Frame.data(method, frame.position(), frame.extentLength(), (int) crc.getValue(), packed);
        frame.release();
        return result;
    }

    private boolean worthTrying() {
        if (unpaid < GIVE_UP_AFTER) {
            return true;
        }
        unpaid++;
        return unpaid % TRY_EVERY == 0;
    }
}
