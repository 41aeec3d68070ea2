package io.replicate.core.posix;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** What a positional transfer of 4 KiB to or from the page cache costs: the system call, and the way there. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class NativeFileBenchmark {
    private static final int BYTES = 4096;

    private final Block block = Block.unpooled(BYTES);
    private @Nullable NativeFile file;

    @Setup
    public void open() throws IOException {
        final Path path = Files.createTempFile("NativeFileBenchmark", ".img");
        file = NativeFile.open(path, NativeFile.Option.READ, NativeFile.Option.WRITE);
        Files.delete(path);
        pwrite();
    }

    @TearDown
    public void close() throws IOException {
        file().close();
        block.release();
    }

    private NativeFile file() {
        return Objects.requireNonNull(file);
    }

    @Benchmark
    public long pread() throws IOException {
        return file().pread(block.address(), BYTES, 0);
    }

    @Benchmark
    public void pwrite() throws IOException {
        file().pwrite(block.address(), BYTES, 0);
    }

    @Benchmark
    public long size() throws IOException {
        return file().size();
    }
}
