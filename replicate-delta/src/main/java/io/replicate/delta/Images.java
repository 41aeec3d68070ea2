package io.replicate.delta;

import io.replicate.core.block.Block;
import io.replicate.core.file.FileVolume;
import io.replicate.core.posix.Pieces;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import io.replicate.delta.apply.TargetImage;
import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** Opens what locators name, as images. */
public final class Images {
    private static final int BLOCK_BYTES = 1 << 20;

    /** Enough where nobody waits for a single read: to use both processors of a small machine. */
    private static final int FEW_READERS = 4;

    /** Measured with O_DIRECT on a virtual disk, one read by each: 8 are 5 times as fast as one, 32 are 9 times. */
    private static final int MANY_READERS = 16;

    private Images() {}

    /** An image that is only read. */
    public interface Opened extends RandomBytes, AutoCloseable {
        @Override
        void close() throws IOException;
    }

    /**
     * Opens an image for reading. The buffered content of a block device that device-mapper writes behind our back is
     * stale, so devices are read around the page cache.
     */
    public static Opened source(final Locator locator) throws IOException {
        if ("file".equals(locator.scheme())) {
            locator.allowOnly("direct");
            final Path path = Path.of(locator.rest());
            final boolean device = Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
            return new OfVolume(FileVolume.open(path, device || locator.flag("direct"), FileVolume.Mode.READ_ONLY));
        }
        @SuppressWarnings("unchecked") // a store of digests has no size, which is refused below
        final Source<Extent> source = (Source<Extent>) Providers.source(locator);
        return opened(source, locator);
    }

    /**
     * Returns a source as an image; closing one closes the other.
     *
     * @param locator for messages.
     * @throws ReplicationException MISUSE when it is a stream; it has been closed then.
     */
    public static Opened opened(final Source<Extent> source, final Locator locator) throws IOException {
        if (!source.geometry().sized() || source.geometry().sequential()) {
            source.close();
            throw ReplicationException.misuse(locator + ": is a stream; an image that can be read anywhere is needed");
        }
        return source instanceof Volume volume ? new OfVolume(volume) : new OfSource(source);
    }

    /**
     * Opens an image for writing; a file or device is locked.
     *
     * @param force whether a device that the system uses is written nevertheless.
     */
    public static TargetImage target(final Locator locator, final boolean force) throws IOException {
        if ("file".equals(locator.scheme())) {
            locator.allowOnly("direct");
            final Path path = Path.of(locator.rest());
            if (!force) {
                LoopDevices.requireUnused(path);
            }
            return new OfVolume(FileVolume.open(
                    path,
                    locator.flag("direct"),
                    force ? FileVolume.Mode.READ_WRITE_FORCED : FileVolume.Mode.READ_WRITE));
        }
        final Volume volume = Providers.volume(locator);
        if (volume.readOnly()) {
            volume.close();
            throw ReplicationException.misuse(locator + ": is read-only");
        }
        return new OfVolume(volume);
    }

    /** Returns a volume as an image; closing one closes the other. */
    public static TargetImage of(final Volume volume) {
        return new OfVolume(volume);
    }

    private record OfVolume(Volume volume) implements TargetImage, Opened {
        @Override
        public long size() {
            return volume.geometry().sizeBytes();
        }

        @Override
        public void read(final long offset, final ByteBuffer into) throws IOException {
            volume.read(offset, into);
        }

        @Override
        public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
            volume.readAll(pieces, into);
        }

        @Override
        public int readers(final long[] offsets) {
            return volume.readsTogether()
                            || PageCache.has(volume.slice(0, size()).orElse(null), offsets)
                    ? FEW_READERS
                    : MANY_READERS;
        }

        @Override
        public void write(final long offset, final ByteBuffer from) throws IOException {
            volume.write(offset, from, Set.of());
        }

        @Override
        public void writeAll(final Pieces pieces, final ByteBuffer from) throws IOException {
            volume.writeAll(pieces, from);
        }

        @Override
        public void flush() throws IOException {
            volume.flush();
        }

        @Override
        public void close() throws IOException {
            volume.close();
        }
    }

    private static final class OfSource implements Opened {
        private final Source<Extent> source;
        private final Block block = Block.unpooled(BLOCK_BYTES);
        private final int alignment;

        OfSource(final Source<Extent> source) {
            this.source = source;
            this.alignment = Math.min(BLOCK_BYTES, source.geometry().minIoBytes());
        }

        @Override
        public long size() {
            return source.geometry().sizeBytes();
        }

        @Override
        public void read(final long offset, final ByteBuffer into) throws IOException {
            long at = offset;
            while (into.hasRemaining()) {
                final long start = at / alignment * alignment;
                final int skip = (int) (at - start);
                final long wanted = Math.min(BLOCK_BYTES, skip + (long) into.remaining());
                final long length = Math.min((wanted + alignment - 1) / alignment * alignment, size() - start);
                final int got = source.read(Extent.data(start, length), block);
                final int n = Math.min(got - skip, into.remaining());
                if (n <= 0) {
                    throw ReplicationException.fail("read offset=" + at + ": the source ends there", null);
                }
                into.put(block.bytes().slice(skip, n));
                at += n;
            }
        }

        @Override
        public void close() throws IOException {
            try (source) {
                block.release();
            }
        }
    }
}
