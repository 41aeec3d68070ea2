package io.replicate.core.contract;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A sink whose disk is full after some bytes of data: the write that does not fit fails with ENOSPC, FAIL_JOB. */
public final class FullDisk implements Sink<Extent> {
    private final Sink<Extent> behind;
    private final AtomicLong freeBytes;

    /** Creates a sink in front of {@code behind}, which it closes. */
    public FullDisk(final Sink<Extent> behind, final long freeBytes) {
        this.behind = behind;
        this.freeBytes = new AtomicLong(freeBytes);
    }

    @Override
    public Geometry geometry() {
        return behind.geometry();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        return new Limited(behind.begin(target));
    }

    @Override
    public void close() throws IOException {
        behind.close();
    }

    private final class Limited implements Session<Extent> {
        private final Session<Extent> session;

        Limited(final Session<Extent> session) {
            this.session = session;
        }

        @Override
        public boolean resumed() {
            return session.resumed();
        }

        @Override
        public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
            if (unit.hasData() && freeBytes.addAndGet(-unit.length()) < 0) {
                throw ReplicationException.fail(
                        "pwrite full-disk offset=" + unit.offset() + " length=" + unit.length() + ": ENOSPC", null);
            }
            return session.write(unit, from);
        }

        @Override
        public void flush() throws IOException {
            session.flush();
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
        public void discard() throws IOException {
            session.discard();
        }

        @Override
        public void close() throws IOException {
            session.close();
        }
    }
}
