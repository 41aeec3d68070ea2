package io.replicate.core.job;

import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The digest of a copy, for each block of 1 MiB: when the reader knows its CRC already, when not, and of a hole. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ExtentDigestBenchmark {
    private static final int MIB = 1 << 20;

    private final ExtentDigest digest = new ExtentDigest();
    private final ByteBuffer block = ByteBuffer.allocateDirect(MIB);
    private long offset;

    public ExtentDigestBenchmark() {
        final byte[] bytes = new byte[MIB];
        new Random(1).nextBytes(bytes);
        block.put(bytes).flip();
    }

    @Benchmark
    public void knownCrc() {
        digest.data(offset, MIB, 0x1234_5678);
        offset += MIB;
    }

    @Benchmark
    public void bytes() {
        digest.data(offset, block);
        offset += MIB;
    }

    @Benchmark
    public void zeros() {
        digest.zeros(offset, MIB);
        offset += MIB;
    }

    @Benchmark
    public int combine() {
        offset += MIB;
        return Crc32cMath.combine(0x1234_5678, 0x8765_4321, offset);
    }

    @Benchmark
    public int ofZeros() {
        offset += MIB;
        return Crc32cMath.ofZeros(offset);
    }
}
