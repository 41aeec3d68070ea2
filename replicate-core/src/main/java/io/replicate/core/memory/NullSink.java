package io.replicate.core.memory;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** A sink that counts and forgets: to measure a source, or a way to it. */
public final class NullSink implements Sink<Extent> {
    private final LongAdder dataBytes = new LongAdder();
    private final LongAdder zeroBytes = new LongAdder();

    /** Returns how many bytes of data it was given, by all sessions. */
    public long dataBytes() {
        return dataBytes.sum();
    }

    /** Returns how many bytes of zeros and holes it was given, by all sessions. */
    public long zeroBytes() {
        return zeroBytes.sum();
    }

    @Override
    public Geometry geometry() {
        return Geometry.bytes(Unit.UNKNOWN);
    }

    @Override
    public Session<Extent> begin(final Target target) {
        return new Counting();
    }

    private final class Counting implements Session<Extent> {
        @Override
        public boolean resumed() {
            return false;
        }

        @Override
        public Stored write(final Extent unit, final @Nullable Block from) {
            if (unit.hasData() && (from == null || from.length() != unit.length())) {
                throw new IllegalArgumentException(unit + " without its bytes");
            }
            (unit.hasData() ? dataBytes : zeroBytes).add(unit.length());
            return Stored.ONCE;
        }

        @Override
        public void flush() {}

        @Override
        public Committed commit(final Revision revision) {
            return Committed.IN_PLACE;
        }

        @Override
        public void close() {}
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "null:";
    }
}
