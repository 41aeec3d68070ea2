package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A sink whose target somebody damages as soon as it is durable. */
record DamagedWhenDurable(Sink<Extent> sink, Runnable damage) implements Sink<Extent> {
    @Override
    public Geometry geometry() {
        return sink.geometry();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        final Session<Extent> session = sink.begin(target);
        return new Session<>() {
            @Override
            public boolean resumed() {
                return session.resumed();
            }

            @Override
            public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
                return session.write(unit, from);
            }

            @Override
            public void flush() throws IOException {
                session.flush();
                damage.run();
            }

            @Override
            public Committed commit(final Revision revision) throws IOException {
                return session.commit(revision);
            }

            @Override
            public Optional<Source<Extent>> readBack() throws IOException {
                return session.readBack();
            }

            @Override
            public Optional<Source<Extent>> proof() throws IOException {
                return session.proof();
            }

            @Override
            public void discard() throws IOException {
                session.discard();
            }

            @Override
            public void close() throws IOException {
                session.close();
            }
        };
    }

    @Override
    public void close() throws IOException {
        sink.close();
    }
}
