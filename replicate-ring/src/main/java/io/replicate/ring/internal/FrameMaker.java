package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;

/** Turns what was read of a volume into frames. */
final class FrameMaker {

    private FrameMaker() {}

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
    static Frame of(final long position, final Block block, final java.util.zip.CRC32C crc) {
        if (io.replicate.core.job.Zeros.isZero(block.bytes())) {
            final int length = block.length();
            block.release();
            return Frame.empty(FrameType.HOLE, position, length);
        }
        crc.reset();
        crc.update(block.bytes());
        return Frame.data(0, position, block.length(), (int) crc.getValue(), block);
    }
}
