package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The header of a frame, on its way out and in. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameHeaderBenchmark {
    private final FrameHeader out = new FrameHeader();
    private final FrameHeader in = new FrameHeader();
    private long position;

    @Benchmark
    public ByteBuffer seal() {
        position += 1 << 20;
        return out.set(1, 0, 0, position, 1 << 20, 1 << 20, 0x1234).seal();
    }

    @Benchmark
    public long sealAndVerify() throws ReplicationException {
        in.bytes().put(seal());
        in.verify(1 << 20);
        return in.position();
    }
}
