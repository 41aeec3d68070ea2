package io.replicate.core.bench;

import io.replicate.core.block.BlockPipeBenchmark;
import io.replicate.core.job.ExtentDigestBenchmark;
import io.replicate.core.net.FrameHeaderBenchmark;
import io.replicate.core.net.LinkBenchmark;
import io.replicate.core.posix.NativeFileBenchmark;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done for each block or frame makes no garbage. Alone: what other threads allocate would be counted too. */
@Isolated
class NoGarbageTest {
    @ParameterizedTest
    @ValueSource(
            classes = {
                BlockPipeBenchmark.class,
                ExtentDigestBenchmark.class,
                FrameHeaderBenchmark.class,
                LinkBenchmark.class,
                NativeFileBenchmark.class
            })
    void theDataPathAllocatesNothing(final Class<?> benchmark) throws Exception {
        Allocations.assertNone(benchmark);
    }
}
