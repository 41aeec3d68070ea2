package io.replicate.core.file;

import io.replicate.core.block.Block;
import io.replicate.core.posix.FileStat;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A regular file or block device, read at any offset. The plan skips holes of a file; a device is all data. The size is
 * that of the moment of opening: what is appended later is not read, and a file that shrinks fails the job.
 */
public final class FileSource implements Source<Extent> {
    private static final int PREFERRED_IO_BYTES = 1 << 20;
    private static final int MAX_IO_BYTES = 64 << 20;
    private static final int CACHE_SAMPLES = 16;

    private final NativeFile file;
    private final Geometry geometry;
    private final boolean owner;
    private final int sliceFd;
    private final AtomicBoolean closed = new AtomicBoolean();

    private FileSource(final NativeFile file, final long sizeBytes, final boolean owner) throws IOException {
        this.file = file;
        this.geometry = geometryOf(file, sizeBytes);
        this.owner = owner;
        this.sliceFd = file.fd().acquire(); // held until close: slices name it
    }

    /** Returns a source of the first bytes of an open file, which stays open when the source is closed. */
    static FileSource borrowing(final NativeFile file, final long sizeBytes) throws IOException {
        return new FileSource(file, sizeBytes, false);
    }

    /** Opens what was written, to be read from the storage itself where the file system can do so. */
    static FileSource ofDurable(final Path path, final long sizeBytes) throws IOException {
        final NativeFile file = Opening.open(path, true, NativeFile.Option.READ);
        try {
            file.advise(0, 0, Linux.POSIX_FADV_DONTNEED);
            return new FileSource(file, sizeBytes, true);
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    /**
     * Opens a regular file or block device for reading. A device, and a large file that is not in the page cache, is
     * read around the cache.
     *
     * @throws ReplicationException MISUSE when there is no such file, it may not be read, or it is a directory or a
     *     stream.
     */
    public static FileSource open(final Path path) throws IOException {
        return open(path, DirectIo.AUTO);
    }

    /**
     * Opens a regular file or block device for reading.
     *
     * @param direct whether to read around the page cache, where the file system can do so.
     * @throws ReplicationException MISUSE when there is no such file, it may not be read, or it is a directory or a
     *     stream.
     */
    public static FileSource open(final Path path, final boolean direct) throws IOException {
        return open(path, DirectIo.of(direct));
    }

    static FileSource open(final Path path, final DirectIo direct) throws IOException {
        final boolean device = TargetPath.kindOf(path) == TargetPath.Kind.DEVICE;
        final NativeFile file =
                Opening.open(path, device ? direct.forDevice() : direct == DirectIo.ALWAYS, NativeFile.Option.READ);
        try {
            final long sizeBytes = file.size();
            if (!device && direct.forReading(sizeBytes) && !isCached(file, sizeBytes)) {
                file.close();
                return open(path, DirectIo.ALWAYS);
            }
            if (!file.isDirect()) {
                file.advise(0, 0, Linux.POSIX_FADV_SEQUENTIAL);
            }
            return new FileSource(file, sizeBytes, true);
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    /** Looks at a few places; a look at every block would start read-ahead everywhere. */
    private static boolean isCached(final NativeFile file, final long sizeBytes) throws IOException {
        final Block page = Block.unpooled(Block.ALIGNMENT);
        try {
            int found = 0;
            for (int i = 0; i < CACHE_SAMPLES; i++) {
                final long offset = sizeBytes / CACHE_SAMPLES * i & -Block.ALIGNMENT;
                found += file.readCached(page.address(), page.capacity(), offset) > 0 ? 1 : 0;
            }
            return found > CACHE_SAMPLES / 2;
        } finally {
            page.release();
        }
    }

    static Geometry geometryOf(final NativeFile file, final long sizeBytes) {
        final int alignment = file.isDirect() ? file.directAlignment() : 1;
        return new Geometry(
                sizeBytes,
                alignment,
                Math.max(PREFERRED_IO_BYTES, alignment),
                MAX_IO_BYTES,
                false,
                file.isBlockDevice());
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    /** Knows {@link Selection.All} and {@link Selection.Ranges}; MISUSE for a range beyond the end. */
    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        final List<Extent> ranges = Ranges.of(selection, geometry.sizeBytes(), file.toString());
        return new SparsePlan(file, ranges, geometry.sizeBytes());
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        into.length(0);
        final long left = geometry.sizeBytes() - unit.offset();
        if (left <= 0) {
            return -1;
        }
        final int length = Math.toIntExact(Math.min(unit.length(), left));
        if (length > into.capacity()) {
            throw new IllegalArgumentException(unit + " does not fit a block of " + into.capacity());
        }
        final long got = file.pread(into.address(), length, unit.offset());
        if (got < length) {
            throw shrank(file, unit.offset() + got, geometry.sizeBytes());
        }
        into.length(length);
        return length;
    }

    /** Returns the range itself, unless the file is read around the page cache. */
    @Override
    public Optional<FileSlice> slice(final Extent unit) {
        return file.isDirect() ? Optional.empty() : Optional.of(new FileSlice(sliceFd, unit.offset(), unit.length()));
    }

    @Override
    public Optional<Path> storage() {
        return Optional.of(file.path());
    }

    /**
     * Returns the inode and the time of the last change of the file that is open, whatever its path names by now; nothing
     * tells the states of a device apart.
     */
    @Override
    public Revision revision() throws IOException {
        if (file.isBlockDevice()) {
            return Revision.NONE;
        }
        final FileStat stat = file.stat();
        return new Revision(stat.inode() + "@" + stat.modifiedNs());
    }

    static ReplicationException shrank(final NativeFile file, final long offset, final long expectedBytes) {
        return ReplicationException.fail(
                "read " + file + " offset=" + offset + ": the file shrank while it was read, it had " + expectedBytes
                        + " bytes; stop what writes to it, or copy a snapshot",
                null);
    }

    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            file.fd().release();
        }
        if (owner) {
            file.close();
        }
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
