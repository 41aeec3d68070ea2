package io.replicate.core.spi;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
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

    /** Returns a plan of units that are known already. */
    static <U extends Unit> Plan<U> of(final List<U> units) {
        final Iterator<U> left = units.iterator();
        long total = 0;
        for (final U unit : units) {
            total = total == Unit.UNKNOWN || unit.lengthBytes() == Unit.UNKNOWN
                    ? Unit.UNKNOWN
                    : total + unit.lengthBytes();
        }
        final long totalBytes = total;
        return new Plan<>() {
            @Override
            public @Nullable U next() {
                return left.hasNext() ? left.next() : null;
            }

            @Override
            public long totalBytes() {
                return totalBytes;
            }
        };
    }

    @Override
    default void close() throws IOException {}
}
