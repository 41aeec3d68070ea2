package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.file.FileSink;
import io.replicate.core.posix.Fd;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/** A file, made beside its name and renamed; or a device, written where it is. Zeros of a file become holes. */
final class FileTarget implements StreamTarget {
    private final FileSink sink;
    private final Session<Extent> session;
    private final boolean device;

    FileTarget(final Path path, final boolean force) throws IOException {
        device = Devices.isBlockDevice(path);
        sink = new FileSink(path, true); // around the page cache, where there is a disk behind it
        // dolly knows neither the size nor the kind of the source: like is taken for like
        session = sink.begin(new Target(Unit.UNKNOWN, Unit.UNKNOWN, device, null, 1, null, force));
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        session.write(Extent.data(offset, block.length()), block);
    }

    @Override
    public Optional<Fd> spliceTarget() {
        return session.spliceTarget();
    }

    @Override
    public void spliced(final long offset, final int length) throws IOException {
        session.spliced(Extent.data(offset, length));
    }

    @Override
    public void zeros(final Piece piece) throws IOException {
        final Extent.Kind kind = device ? Extent.Kind.ZERO : Extent.Kind.HOLE;
        session.write(new Extent(piece.offset(), piece.length(), kind), null);
    }

    @Override
    public boolean readBack(final long offset, final Block into) throws IOException {
        final Optional<Source<Extent>> source = session.readBack();
        if (source.isEmpty()) {
            return false;
        }
        final int length = into.length();
        final int read = Math.max(0, source.get().read(Extent.data(offset, length), into));
        into.length(length);
        final ByteBuffer rest = into.bytes().position(read);
        while (rest.hasRemaining()) {
            rest.put((byte) 0); // a hole at the end makes a file no longer
        }
        return true;
    }

    @Override
    public void commit() throws IOException {
        session.commit(Revision.NONE);
    }

    @Override
    public void close() throws IOException {
        try (sink) {
            session.close();
        }
    }
}
