package io.replicate.core.stream;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A stream that is read once, from its beginning, in order and by one thread. Without a size its plan is a single DATA
 * extent without end (length {@link Long#MAX_VALUE}), and a short read tells where the stream ended. With a size the plan
 * is that long, a stream that ends earlier fails the job, and what follows is not read.
 */
public final class StreamSource implements Source<Extent> {
    private final FdStream stream;
    private final Geometry geometry;
    private long position;

    private StreamSource(final Fd fd, final long sizeBytes) {
        final Geometry shape = Geometry.stream();
        this.stream = new FdStream(fd);
        this.geometry = new Geometry(sizeBytes, 1, shape.preferredIoBytes(), shape.maxIoBytes(), true, false);
    }

    /** Returns the standard input. {@code sizeBytes} may be {@link Unit#UNKNOWN}. */
    public static StreamSource stdin(final long sizeBytes) {
        return new StreamSource(Fd.borrow(Posix.get(), 0, "stdin"), sizeBytes);
    }

    /**
     * Opens a FIFO or character device. Does not wait for the other side of a FIFO: the first read does.
     *
     * @param sizeBytes that it has, or {@link Unit#UNKNOWN}.
     */
    public static StreamSource open(final Path path, final long sizeBytes) throws IOException {
        try {
            return new StreamSource(
                    Fd.open(Posix.get(), path.toString(), Linux.O_RDONLY | Linux.O_NONBLOCK, 0), sizeBytes);
        } catch (final PosixException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, path + ": cannot be read: " + e.errnoName(), e);
        }
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    /** Knows {@link Selection.All} only. */
    @Override
    public Plan<Extent> plan(final Selection selection) throws ReplicationException {
        if (!(selection instanceof Selection.All)) {
            throw ReplicationException.misuse(stream + ": a stream can only be read as a whole, not by " + selection);
        }
        return new OneExtent(geometry.sizeBytes());
    }

    private static final class OneExtent implements Plan<Extent> {
        private final long sizeBytes;
        private boolean given;

        OneExtent(final long sizeBytes) {
            this.sizeBytes = sizeBytes;
            this.given = sizeBytes == 0;
        }

        @Override
        public @Nullable Extent next() {
            if (given) {
                return null;
            }
            given = true;
            return Extent.data(0, sizeBytes == Unit.UNKNOWN ? Long.MAX_VALUE : sizeBytes);
        }

        @Override
        public long totalBytes() {
            return sizeBytes;
        }
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        into.length(0);
        if (unit.offset() != position) {
            throw new IllegalArgumentException(
                    stream + ": read at " + unit.offset() + ", but the stream is at " + position);
        }
        final long left = geometry.sized() ? geometry.sizeBytes() - position : Long.MAX_VALUE;
        final int length = Math.toIntExact(Math.min(unit.length(), left));
        if (length > into.capacity()) {
            throw new IllegalArgumentException(unit + " does not fit a block of " + into.capacity());
        }
        final int got = (int) stream.read(into.address(), length);
        position += got;
        if (got < length && geometry.sized()) {
            throw ReplicationException.fail(
                    stream + ": ended at offset=" + position + ", expected " + geometry.sizeBytes() + " bytes", null);
        }
        into.length(got);
        return got == 0 ? -1 : got;
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }

    @Override
    public String toString() {
        return stream.toString();
    }
}
