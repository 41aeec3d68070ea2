package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.file.FileSink;
import io.replicate.core.job.Zeros;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.Path;

/** A file, made beside its name and renamed; or a device, written where it is. Zeros of a file become holes. */
final class FileTarget implements StreamTarget {
    private final FileSink sink;
    private final Session<Extent> session;
    private final boolean device;

    FileTarget(final Path path, final boolean force) throws IOException {
        device = Devices.isBlockDevice(path);
        sink = new FileSink(path, false);
        // dolly knows neither the size nor the kind of the source: like is taken for like
        session = sink.begin(new Target(Unit.UNKNOWN, Unit.UNKNOWN, device, null, 1, null, force));
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        final boolean hole = !device && Zeros.isZero(block.bytes());
        session.write(
                hole ? Extent.hole(offset, block.length()) : Extent.data(offset, block.length()), hole ? null : block);
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
