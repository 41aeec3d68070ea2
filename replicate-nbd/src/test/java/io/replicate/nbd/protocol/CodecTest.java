package io.replicate.nbd.protocol;

import io.replicate.core.bench.Allocations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
class CodecTest {
    @Test
    void headersAllocateNothing() throws Exception {
        Allocations.assertNone(CodecBenchmark.class);
    }
}
