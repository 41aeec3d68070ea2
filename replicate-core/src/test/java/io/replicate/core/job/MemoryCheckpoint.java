package io.replicate.core.job;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A checkpoint on the heap. */
class MemoryCheckpoint implements Checkpoint {
    final Map<JobId, Progress> kept = new ConcurrentHashMap<>();
    final AtomicInteger commits = new AtomicInteger();

    @Override
    public Optional<Progress> load(final JobId job) {
        return Optional.ofNullable(kept.get(job));
    }

    @Override
    public void commit(final JobId job, final Progress progress) throws IOException {
        kept.put(job, progress);
        commits.incrementAndGet();
    }

    @Override
    public void forget(final JobId job) {
        kept.remove(job);
    }
}
