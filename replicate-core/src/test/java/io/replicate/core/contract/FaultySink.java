package io.replicate.core.contract;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sink with a cache that loses power. Writes reach the sink behind it when they are flushed; when the power goes, of
 * those that were not flushed any may have reached it and any may be lost. Afterwards the session is left as a killed
 * process would leave it. Thread-safe as far as the sink behind it.
 */
public final class FaultySink implements Sink<Extent> {
    private final Sink<Extent> behind;
    private final PowerFailure power;

    /** Creates a sink in front of {@code behind}, which it closes. */
    public FaultySink(final Sink<Extent> behind, final PowerFailure power) {
        this.behind = behind;
        this.power = power;
    }

    @Override
    public Geometry geometry() {
        return behind.geometry();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        power.requirePower("begin");
        return new Cached(behind.begin(target));
    }

    @Override
    public void close() throws IOException {
        behind.close();
    }

    private record Unflushed(Extent unit, byte @Nullable [] bytes) {}

    private final class Cached implements Session<Extent> {
        private final Session<Extent> session;
        private final List<Unflushed> cache = new ArrayList<>();

        Cached(final Session<Extent> session) {
            this.session = session;
        }

        @Override
        public boolean resumed() {
            return session.resumed();
        }

        @Override
        public synchronized Stored write(final Extent unit, final @Nullable Block from) throws IOException {
            byte[] bytes = null;
            if (from != null) {
                bytes = new byte[from.length()];
                from.bytes().get(bytes);
            }
            cache.add(new Unflushed(unit, bytes));
            step("write " + unit);
            return Stored.ONCE;
        }

        @Override
        public synchronized void flush() throws IOException {
            step("before flush");
            writeThrough(false);
            session.flush();
            step("after flush");
        }

        @Override
        public synchronized Committed commit(final Revision revision) throws IOException {
            step("before commit");
            writeThrough(false);
            final Committed promise = session.commit(revision);
            step("after commit");
            return promise;
        }

        private void step(final String name) throws IOException {
            if (power.reaches(name)) {
                writeThrough(true);
                throw power.now();
            }
        }

        private void writeThrough(final boolean byLuck) throws IOException {
            for (final Unflushed write : cache) {
                if (!byLuck || power.survives()) {
                    apply(write);
                }
            }
            cache.clear();
        }

        private void apply(final Unflushed write) throws IOException {
            if (write.bytes() == null) {
                session.write(write.unit(), null);
                return;
            }
            final Block block = Block.unpooled(write.bytes().length);
            try {
                block.space().put(ByteBuffer.wrap(write.bytes()));
                block.length(write.bytes().length);
                session.write(write.unit(), block);
            } finally {
                block.release();
            }
        }

        @Override
        public void close() throws IOException {
            session.close();
        }
    }
}
