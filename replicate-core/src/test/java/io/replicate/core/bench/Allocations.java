package io.replicate.core.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import java.util.Collection;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Proves of a JMH benchmark that what it measures allocates nothing, which no noise of the machine can blur. It is run
 * shortly and in this process; how fast it is says {@code mvn -Pjmh}.
 */
public final class Allocations {
    /** What JMH itself may allocate for each operation. */
    private static final double NOISE_BYTES = 64;

    private Allocations() {}

    /**
     * Runs all benchmarks of a class.
     *
     * @throws AssertionError if one of them allocates 64 bytes or more for each operation.
     */
    public static void assertNone(final Class<?> benchmark) throws RunnerException {
        final var options = new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
                .forks(0)
                .warmupIterations(2)
                .warmupTime(TimeValue.milliseconds(200))
                .measurementIterations(2)
                .measurementTime(TimeValue.milliseconds(200))
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build();
        final Collection<RunResult> results = withoutLeakRecords(options);
        assertThat(results).isNotEmpty();
        for (final RunResult result : results) {
            final var allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
            assertThat(allocated)
                    .as("%s was profiled", result.getParams().getBenchmark())
                    .isNotNull();
            assertThat(allocated.getScore())
                    .as(
                            "bytes allocated by an operation of %s",
                            result.getParams().getBenchmark())
                    .isLessThan(NOISE_BYTES);
        }
    }

    /** At the level of the tests, Netty's leak detector notes every buffer and who has touched it. */
    private static Collection<RunResult> withoutLeakRecords(final Options options) throws RunnerException {
        final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        try {
            return new Runner(options).run();
        } finally {
            ResourceLeakDetector.setLevel(level);
        }
    }
}
