package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class FrameMakerTest {
    private static final int BLOCK_BYTES = 1 << 20;

    /** Returns random bytes with runs of zeros that end anywhere. */
    private static byte[] bytes(final Random random, final int length) {
        final byte[] bytes = new byte[length];
        for (int at = 0; at < length; ) {
            final int run = Math.min(length - at, 1 + random.nextInt(200_000));
            if (random.nextBoolean()) {
                for (int i = at; i < at + run; i++) {
                    bytes[i] = (byte) (1 + random.nextInt(100));
                }
            }
            at += run;
        }
        return bytes;
    }

    private static Block block(final BlockPool pool, final byte[] bytes) throws Exception {
        final Block block = pool.take();
        block.space().put(bytes);
        block.length(bytes.length);
        return block;
    }

    @Property(tries = 60)
    void framesHoldTheSameBytesAndTheSameDigestAndNoRunOfZeros(
            @ForAll final long seed,
            @ForAll @IntRange(min = 1, max = BLOCK_BYTES) final int length,
            @ForAll @IntRange(max = 5) final int grains)
            throws Exception {
        final byte[] bytes = bytes(new Random(seed), length);
        final long position = (long) grains * FrameMaker.GRAIN_BYTES;
        try (BlockPool pool = new BlockPool(BLOCK_BYTES, 20)) {
            final List<Frame> frames = new FrameMaker(pool).split(position, block(pool, bytes));

            final ByteBuffer joined = ByteBuffer.allocate(length);
            final ExtentDigest whole = new ExtentDigest();
            final ExtentDigest pieces = new ExtentDigest();
            whole.data(position, ByteBuffer.wrap(bytes));
            long at = position;
            for (final Frame frame : frames) {
                assertThat(frame.position()).isEqualTo(at);
                at = frame.endPosition();
                final Block payload = frame.payload();
                if (payload == null) {
                    joined.position(joined.position() + (int) frame.extentLength());
                    pieces.zeros(frame.position(), frame.extentLength());
                } else {
                    joined.put(payload.bytes());
                    pieces.data(frame.position(), payload.bytes());
                    assertNoRunOfZeros(frame, payload);
                }
                frame.release();
            }
            assertThat(joined.array()).isEqualTo(bytes);
            assertThat(pieces.finish()).isEqualTo(whole.finish());
            assertThat(pool.lent()).isZero();
        }
    }

    private static void assertNoRunOfZeros(final Frame frame, final Block payload) {
        final long first = -frame.position() & (FrameMaker.GRAIN_BYTES - 1);
        for (long at = first; at + FrameMaker.GRAIN_BYTES <= payload.length(); at += FrameMaker.GRAIN_BYTES) {
            assertThat(io.replicate.core.job.Zeros.isZero(payload.bytes().slice((int) at, FrameMaker.GRAIN_BYTES)))
                    .as("grain at %d of %s", at, frame)
                    .isFalse();
        }
    }

    @Property(tries = 60)
    void theTailOfAFrameHoldsItsLastBytes(
            @ForAll final long seed,
            @ForAll @IntRange(min = 2, max = 200_000) final int length,
            @ForAll @IntRange(min = 1, max = 199_999) final int cut,
            @ForAll @IntRange(max = 2) final int compression)
            throws Exception {
        final byte[] bytes = new byte[length];
        java.util.Arrays.fill(bytes, (byte) 7);
        bytes[length - 1] = (byte) (1 + (seed & 63));
        final int from = 1 + cut % (length - 1);
        final List<Frame> made = new ArrayList<>();
        try (BlockPool pool = new BlockPool(1 << 20, 4)) {
            made.add(new FrameEncoder(compression, pool).encode(FrameMaker.of(4096, block(pool, bytes), new CRC32C())));
            final Frame tail = FrameTail.of(made.get(0), 4096 + from);

            assertThat(tail.position()).isEqualTo(4096 + from);
            assertThat(tail.endPosition()).isEqualTo(4096 + length);
            final Block payload = java.util.Objects.requireNonNull(tail.payload());
            final byte[] got = new byte[payload.length()];
            payload.bytes().get(got);
            assertThat(got).isEqualTo(java.util.Arrays.copyOfRange(bytes, from, length));
            tail.release();
            assertThat(pool.lent()).isZero();
        }
    }
}
