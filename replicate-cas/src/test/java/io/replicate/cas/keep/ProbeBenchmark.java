package io.replicate.cas.keep;

import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What is computed once for each block before the first server is asked: the order of sixteen servers, and a signature. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ProbeBenchmark {
    private static final String HASH = "acbd18db4cc2f85cedef654fccc4a4d8";
    private static final String TOKEN = "3kg6k6lzmp9kj5cpkcoxie963cmvjahbt2fod9zru30k1jqdmi";

    private final List<KeepService> services = IntStream.range(0, 16)
            .mapToObj(i ->
                    new KeepService(String.format("zzzzz-bi6l4-%015x", i), "http://keep" + i + ":25107", "disk", false))
            .toList();
    private final BlobSigner signer = new BlobSigner("example-blob-signing-key-0123456789", Duration.ofDays(14));
    private final Instant expiry = Instant.ofEpochSecond(0x7fffffff);

    @Benchmark
    public List<KeepService> order() {
        return Rendezvous.order(HASH, services, Rendezvous.Convention.GO);
    }

    @Benchmark
    public String sign() {
        return signer.sign(HASH + "+3", TOKEN, expiry);
    }

    @Benchmark
    public KeepLocator parse() throws ReplicationException {
        return KeepLocator.parse(HASH + "+3+Aa9ea38107ec0ad86392ca3d9231b99089ff0d6cc@7fffffff");
    }
}
