package io.replicate.ring.internal;

import io.replicate.core.bench.Allocations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated
class FrameCodecTest {
    @Test
    void framesAndStatusAreEncodedAndDecodedWithoutAllocation() throws Exception {
        Allocations.assertNone(FrameCodecBenchmark.class);
    }
}
