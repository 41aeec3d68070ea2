package io.replicate.core.block;

import io.netty.util.ResourceLeakDetector;
import io.replicate.core.spi.Extent;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A block's way from its pool through a pipe and back, by one thread: what the stages of a copy cost for each block. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BlockPipeBenchmark {
    private static final Extent UNIT = Extent.data(0, 4096);

    private final BlockPool pool = new BlockPool(4096, 4);
    private final BlockPipe<Extent> pipe = new BlockPipe<>(4, Duration.ofSeconds(1));
    private ResourceLeakDetector.Level level = ResourceLeakDetector.Level.DISABLED;

    /** Tests look for leaks at every block; that is not what a copy does. */
    @Setup
    public void lookForNoLeaks() {
        level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @TearDown
    public void lookAgain() {
        ResourceLeakDetector.setLevel(level);
        pool.close();
    }

    @Benchmark
    public void takeAndRelease() throws IOException {
        pool.take().release();
    }

    /** One parcel is made for each block: 24 bytes. */
    @Benchmark
    public void putAndTake() throws IOException {
        pipe.put(new Parcel<>(UNIT, pool.take()));
        final Parcel<Extent> parcel = pipe.take();
        if (parcel != null) {
            parcel.release();
        }
    }
}
