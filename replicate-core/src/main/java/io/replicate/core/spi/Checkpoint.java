package io.replicate.core.spi;

import java.io.IOException;
import java.util.Optional;

/** Remembers what is durable, so that a killed job goes on instead of starting again. Safe for concurrent use. */
public interface Checkpoint extends AutoCloseable {

    /**
     * Returns what the job had committed last.
     *
     * @throws ReplicationException CORRUPT when what is stored is torn or no checkpoint, MISUSE when it belongs to another
     *     job or was written by a newer program; it is left as it is.
     */
    Optional<Progress> load(JobId job) throws IOException;

    /**
     * Stores the progress; on return it is durable, and replaces the former as one. What the caller does to the arrays later
     * does not reach it.
     */
    void commit(JobId job, Progress progress) throws IOException;

    /** Forgets the job; nothing happens when it is not known. */
    void forget(JobId job) throws IOException;

    @Override
    default void close() throws IOException {}
}
