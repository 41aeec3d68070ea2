package io.replicate.core.net;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** 16 KiB over loopback TCP, sent and received by one thread: it fits the socket's buffer. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LinkBenchmark {
    private static final int BYTES = 16 << 10;

    private final Block block = Block.unpooled(BYTES);
    private final ByteBuffer out = ByteBuffer.allocateDirect(BYTES);
    private final ByteBuffer in = ByteBuffer.allocateDirect(BYTES);
    private @Nullable LoopbackLinks links;

    @Setup
    public void connect() throws IOException {
        links = LoopbackLinks.open();
        block.length(BYTES);
    }

    @TearDown
    public void close() throws IOException {
        links().close();
        block.release();
    }

    private LoopbackLinks links() {
        return Objects.requireNonNull(links);
    }

    /** A block that is sent is given away. */
    @Benchmark
    public void block() throws IOException {
        links().near().send(block.retain());
        receive();
    }

    @Benchmark
    public void buffer() throws IOException {
        links().near().send(out.clear());
        receive();
    }

    private void receive() throws IOException {
        in.clear();
        while (in.hasRemaining()) {
            links().far().receive(in);
        }
    }
}
