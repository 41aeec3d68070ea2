package io.replicate.cas.keep;

import io.replicate.core.bench.Allocations;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.runner.RunnerException;

class IndexParserAllocationTest {
    @Test
    void aLineIsReadWithoutAllocating() throws RunnerException {
        Allocations.assertNone(IndexParserBenchmark.class);
    }
}
