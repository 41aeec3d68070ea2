package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a node does with each frame besides moving its bytes, and with each of its words to the server. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameCodecBenchmark {
    private static final int FRAME_BYTES = 64 << 10;

    private final BlockPool pool = new BlockPool(FRAME_BYTES, 4);
    private final FrameDecoder decoder = new FrameDecoder(pool);
    private final FrameEncoder encoder = new FrameEncoder(Compression.NONE, pool);
    private final ByteBuffer message = ByteBuffer.allocate(256);
    private final Status status = new Status(1, 1L << 40, 1L << 39, 1L << 38);
    private Frame frame = Frame.empty(FrameType.HOLE, 0, 1);

    /** Makes a frame of bytes that nothing can shorten. */
    @Setup(Level.Iteration)
    public void makeFrame() throws IOException {
        final byte[] bytes = new byte[FRAME_BYTES];
        new Random(1).nextBytes(bytes);
        final Block block = pool.take();
        block.space().put(bytes);
        block.length(FRAME_BYTES);
        frame = FrameMaker.of(0, block, new CRC32C());
    }

    @TearDown(Level.Iteration)
    public void dropFrame() {
        frame.release();
    }

    @Benchmark
    public int decode() throws IOException {
        final Block payload = frame.payload();
        if (payload == null) {
            throw new IllegalStateException("a frame of data has a payload");
        }
        final Block raw = decoder.decode(frame, payload);
        try {
            return raw.length();
        } finally {
            raw.release();
        }
    }

    @Benchmark
    public Frame encodeWithoutCompression() throws IOException {
        return encoder.encode(frame);
    }

    @Benchmark
    public ByteBuffer encodeStatus() throws ReplicationException {
        message.clear();
        return ControlCodec.encode(status, message);
    }
}
