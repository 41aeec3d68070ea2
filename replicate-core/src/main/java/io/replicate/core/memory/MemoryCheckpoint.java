package io.replicate.core.memory;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Checkpoints that last as long as the object: for jobs that outlive their links but not their process. */
public final class MemoryCheckpoint implements Checkpoint {
    private static final Map<String, MemoryCheckpoint> NAMED = new ConcurrentHashMap<>();

    private final Map<JobId, Progress> jobs = new ConcurrentHashMap<>();

    /** Returns the checkpoint of the process that has this name. */
    public static MemoryCheckpoint named(final String name) {
        return NAMED.computeIfAbsent(name, absent -> new MemoryCheckpoint());
    }

    @Override
    public Optional<Progress> load(final JobId job) {
        return Optional.ofNullable(jobs.get(job)).map(MemoryCheckpoint::copy);
    }

    @Override
    public void commit(final JobId job, final Progress progress) {
        jobs.put(job, copy(progress));
    }

    /** The arrays inside may change behind us. */
    private static Progress copy(final Progress progress) {
        final Map<String, byte[]> values = new HashMap<>();
        progress.values().forEach((key, value) -> values.put(key, value.clone()));
        return new Progress(values);
    }

    @Override
    public void forget(final JobId job) {
        jobs.remove(job);
    }
}
