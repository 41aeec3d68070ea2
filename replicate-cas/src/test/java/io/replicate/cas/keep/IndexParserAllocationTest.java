package io.replicate.cas.keep;

import io.replicate.core.bench.Allocations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.openjdk.jmh.runner.RunnerException;

@Isolated
class IndexParserAllocationTest {
    @Test
    void aLineIsReadWithoutAllocating() throws RunnerException {
        Allocations.assertNone(IndexParserBenchmark.class);
    }
}
