package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.Zeros;
import io.replicate.core.spi.Extent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Turns what was read of a volume into frames, and leaves out what is zero: {@value #GRAIN_BYTES} bytes at a time, since
 * a shorter run saves less than its frame costs. Used by one thread.
 */
final class FrameMaker {
    /** Runs of zeros begin and end at multiples of this offset. */
    static final int GRAIN_BYTES = 64 << 10;

    private final BlockPool pool;
    private final CRC32C crc = new CRC32C();

    FrameMaker(final BlockPool pool) {
        this.pool = pool;
    }

    /** Returns the frame type of an extent without data. */
    static int typeOf(final Extent extent) {
        return extent.kind() == Extent.Kind.ZERO ? FrameType.ZERO : FrameType.HOLE;
    }

    /** Returns the extent that a frame without payload stands for. */
    static Extent extentOf(final Frame frame) {
        final Extent.Kind kind = switch (frame.type()) {
            case FrameType.DATA -> Extent.Kind.DATA;
            case FrameType.ZERO -> Extent.Kind.ZERO;
            default -> Extent.Kind.HOLE;
        };
        return new Extent(frame.position(), frame.extentLength(), kind);
    }

    /** Returns the frame of a block that holds the bytes at {@code position}; takes over the caller's reference. */
    static Frame of(final long position, final Block block, final CRC32C crc) {
        if (Zeros.isZero(block.bytes())) {
            final int length = block.length();
            block.release();
            return Frame.empty(FrameType.HOLE, position, length);
        }
        crc.reset();
        crc.update(block.bytes());
        return Frame.data(0, position, block.length(), (int) crc.getValue(), block);
    }

    /**
     * Returns the frames of a block that holds the bytes at {@code position}, holes where it is zero; takes over the
     * caller's reference. A block without holes is not copied.
     */
    List<Frame> split(final long position, final Block block) throws IOException {
        final ByteBuffer bytes = block.bytes();
        final int length = block.length();
        int from = 0;
        boolean zero = isZero(bytes, position, 0);
        final List<Frame> frames = new ArrayList<>(1);
        try {
            for (int at = grainEnd(position, 0, length); at < length; at = grainEnd(position, at, length)) {
                final boolean nextZero = isZero(bytes, position, at);
                if (nextZero != zero) {
                    frames.add(part(position, bytes, from, at, zero));
                    from = at;
                    zero = nextZero;
                }
            }
            if (frames.isEmpty()) {
                block.retain();
                frames.add(of(position, block, crc));
            } else {
                frames.add(part(position, bytes, from, length, zero));
            }
            return frames;
        } catch (final IOException | RuntimeException e) {
            frames.forEach(Frame::release);
            throw e;
        } finally {
            block.release();
        }
    }

    private static int grainEnd(final long position, final int at, final int length) {
        return (int) Math.min(length, at + GRAIN_BYTES - (position + at) % GRAIN_BYTES);
    }

    private static boolean isZero(final ByteBuffer bytes, final long position, final int at) {
        return Zeros.isZero(bytes.slice(at, grainEnd(position, at, bytes.limit()) - at));
    }

    private Frame part(final long position, final ByteBuffer bytes, final int from, final int to, final boolean zero)
            throws IOException {
        if (zero) {
            return Frame.empty(FrameType.HOLE, position + from, to - from);
        }
        final Block copy = pool.take();
        copy.space().put(bytes.slice(from, to - from));
        copy.length(to - from);
        return of(position + from, copy, crc);
    }
}
