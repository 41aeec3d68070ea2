package io.replicate.core.spi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The units of a job, found lazily. Extents come in ascending order, do not overlap, and may be of any length: who
 * executes the plan splits them into blocks. Used by one thread
 * at a time.
 *
 * @param <U> places or contents.
 */
public interface Plan<U extends Unit> extends AutoCloseable {

    /** Returns the next unit, or null behind the last. */
    @Nullable
    U next() throws IOException;

    /** Returns how many bytes the plan covers in all, or {@link Unit#UNKNOWN} where only the end will tell. */
    long totalBytes();

    @Override
    default void close() throws IOException {}
}
