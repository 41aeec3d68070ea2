package io.replicate.nbd.server;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Any source of known size, alone or with an open session of a sink behind it, as a volume that can be exported. Reads
 * show what the source shows: with a session, the source must read what the session writes. Closes both.
 */
public final class SourceVolume implements Volume {
    private static final int BLOCK = 1 << 20;

    private final Source<Extent> source;
    private final @Nullable Session<Extent> session;
    private final ReentrantLock flushing = new ReentrantLock();

    private SourceVolume(Source<Extent> source, @Nullable Session<Extent> session) {
        this.source = source;
        this.session = session;
    }

    /** Returns a read-only volume. */
    public static SourceVolume readOnly(Source<Extent> source) {
        return new SourceVolume(source, null);
    }

    /** Returns a volume whose writes go to {@code session}, which is never committed. */
    public static SourceVolume of(Source<Extent> source, Session<Extent> session) {
        return new SourceVolume(source, session);
    }

    @Override
    public Geometry geometry() {
        return source.geometry();
    }

    @Override
    public boolean readOnly() {
        return session == null;
    }

    @Override
    public Plan<Extent> plan(Selection selection) throws IOException {
        return source.plan(selection);
    }

    @Override
    public int read(Extent unit, Block into) throws IOException {
        return source.read(unit, into);
    }

    @Override
    public Revision revision() throws IOException {
        return source.revision();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        final int wanted = into.remaining();
        final Block block = Block.unpooled(Math.max(1, Math.min(wanted, BLOCK)));
        try {
            for (long at = offset; into.hasRemaining(); ) {
                final int bytes = Math.min(block.capacity(), into.remaining());
                final int got = source.read(Extent.data(at, bytes), block);
                if (got < bytes) {
                    throw ReplicationException.fail("the source ends at offset " + (at + Math.max(0, got)), null);
                }
                into.put(block.bytes());
                at += bytes;
            }
        } finally {
            block.release();
        }
    }

    @Override
    public void write(long offset, ByteBuffer from, Set<Flag> flags) throws IOException {
        final Session<Extent> to = writable();
        final Block block = Block.unpooled(Math.max(1, Math.min(from.remaining(), BLOCK)));
        try {
            for (long at = offset; from.hasRemaining(); ) {
                final int bytes = Math.min(block.capacity(), from.remaining());
                block.length(bytes);
                block.bytes().put(from.slice(from.position(), bytes));
                from.position(from.position() + bytes);
                to.write(Extent.data(at, bytes), block);
                at += bytes;
            }
        } finally {
            block.release();
        }
        flushIf(flags);
    }

    private Session<Extent> writable() throws ReplicationException {
        if (session == null) {
            throw ReplicationException.misuse("this source cannot be written: EPERM");
        }
        return session;
    }

    private void flushIf(Set<Flag> flags) throws IOException {
        if (flags.contains(Flag.FUA)) {
            flush();
        }
    }

    @Override
    public void zero(long offset, long length, Set<Flag> flags) throws IOException {
        if (flags.contains(Flag.FAST)) {
            throw new UnsupportedOperationException("a sink does not say whether zeroing is fast");
        }
        writable()
                .write(flags.contains(Flag.NO_HOLE) ? Extent.zero(offset, length) : Extent.hole(offset, length), null);
        flushIf(flags);
    }

    @Override
    public void trim(long offset, long length, Set<Flag> flags) throws IOException {
        writable().write(Extent.hole(offset, length), null);
        flushIf(flags);
    }

    @Override
    public void flush() throws IOException {
        final Session<Extent> to = session;
        if (to != null) {
            flushing.lock(); // a session is flushed by one thread at a time
            try {
                to.flush();
            } finally {
                flushing.unlock();
            }
        }
    }

    @Override
    public List<Extent> extents(long offset, long length, int limit) throws IOException {
        final List<Extent> found = new ArrayList<>();
        long at = offset;
        final long end = offset + length;
        try (Plan<Extent> plan = planOf(offset, length)) {
            for (Extent e = plan.next(); e != null && at < end && found.size() < limit; e = plan.next()) {
                final long begin = Math.max(e.offset(), at);
                final long to = Math.min(e.end(), end);
                if (begin > at) {
                    found.add(Extent.hole(at, Math.min(begin, end) - at));
                }
                if (to > begin && found.size() < limit) {
                    found.add(new Extent(begin, to - begin, e.kind()));
                }
                at = Math.max(at, to);
            }
        }
        return found.isEmpty() ? List.of(Extent.data(offset, length)) : found;
    }

    private Plan<Extent> planOf(long offset, long length) throws IOException {
        return source.plan(new Selection.Ranges(List.of(Extent.data(offset, length))));
    }

    @Override
    public void close() throws IOException {
        try (source) {
            if (session != null) {
                session.close();
            }
        }
    }
}
