package io.replicate.cas.keep;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A line of an index, as one of the many that arrive together. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class IndexParserBenchmark {
    private static final int LINES = 2000;

    private final ByteBuf text = Unpooled.directBuffer().writeBytes(lines().getBytes(StandardCharsets.US_ASCII));
    private long sum;
    private final IndexParser parser =
            new IndexParser("benchmark", "", (hash, size, mtime) -> sum += hash[0] + size + mtime);

    private static String lines() {
        final Random random = new Random(1);
        final StringBuilder lines = new StringBuilder();
        for (int i = 0; i < LINES; i++) {
            lines.append(String.format(
                    "%016x%016x+%d %d%n",
                    random.nextLong(), random.nextLong(), 1 << 26, 1_500_000_000_000_000_000L + i));
        }
        return lines.toString();
    }

    @Benchmark
    @OperationsPerInvocation(LINES)
    public long line() throws ReplicationException {
        text.readerIndex(0);
        parser.feed(text);
        return sum;
    }
}
