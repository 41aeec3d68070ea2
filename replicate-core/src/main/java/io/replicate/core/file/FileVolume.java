package io.replicate.core.file;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.FileRange;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.NativeFile.Option;
import io.replicate.core.posix.Pieces;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.posix.ZeroMode;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A regular file or block device as a volume, changed in place. Unless it is read-only it is locked against other
 * writers of this kind (flock), and a device that the system uses is refused. The size is fixed while it is open.
 */
public final class FileVolume implements Volume {
    private static final int BOUNCE_BYTES = 256 << 10;

    /** How to open a volume. */
    public enum Mode {
        READ_ONLY,
        READ_WRITE,
        /** Also a device that the system uses. */
        READ_WRITE_FORCED
    }

    private final NativeFile file;
    private final FileSource source;
    private final BlockGuard guard;
    private final boolean readOnly;
    private final int sliceFd;
    private volatile boolean dsyncWrites = true;
    private volatile @Nullable IOException failure;
    private boolean closed; // guarded by this

    private FileVolume(final NativeFile file, final boolean readOnly) throws IOException {
        this.file = file;
        this.source = FileSource.borrowing(file, file.size());
        this.guard = new BlockGuard(file);
        this.readOnly = readOnly;
        this.sliceFd = file.fd().acquire(); // held until close: slices name it
    }

    /**
     * Opens a file or device.
     *
     * @throws ReplicationException MISUSE when it is absent, may not be written, is in use or locked.
     */
    public static FileVolume open(final Path path, final boolean direct, final Mode mode) throws IOException {
        final NativeFile file = openFile(path, direct, mode);
        try {
            return new FileVolume(file, mode == Mode.READ_ONLY);
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    private static NativeFile openFile(final Path path, final boolean direct, final Mode mode) throws IOException {
        if (mode == Mode.READ_ONLY) {
            return Opening.open(path, direct, Option.READ);
        }
        if (TargetPath.of(path).kind() == TargetPath.Kind.DEVICE) {
            return DeviceSession.openUnused(path, direct, mode == Mode.READ_WRITE_FORCED);
        }
        final NativeFile file = Opening.open(path, direct, Option.READ, Option.WRITE);
        try {
            if (!Opening.tryLock(file)) {
                throw ReplicationException.misuse(path
                        + ": is being written or served by another process, or under another name by this one;"
                        + " wait for it or stop it");
            }
            return file;
        } catch (final IOException | RuntimeException e) {
            try (file) {
                throw e;
            }
        }
    }

    @Override
    public Geometry geometry() {
        return source.geometry();
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        return source.plan(selection);
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        return source.read(unit, into);
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        requireInside(offset, into.remaining());
        if (into.isDirect()) {
            readDirect(offset, into);
            return;
        }
        final ByteBuffer bounce = bounce(into.remaining());
        for (long at = offset; into.hasRemaining(); ) {
            bounce.clear().limit(Math.min(bounce.capacity(), into.remaining()));
            readDirect(at, bounce);
            at += bounce.flip().remaining();
            into.put(bounce);
        }
    }

    private void readDirect(final long offset, final ByteBuffer into) throws IOException {
        final int wanted = into.remaining();
        final int got = file.read(into, offset);
        if (got < wanted) {
            throw FileSource.shrank(file, offset + got, geometry().sizeBytes());
        }
    }

    @Override
    public void readAll(final Pieces pieces, final ByteBuffer into) throws IOException {
        if (!into.isDirect()) {
            Volume.super.readAll(pieces, into);
            return;
        }
        requireInside(pieces);
        final long missing = file.readAll(pieces, into);
        if (missing >= 0) {
            throw FileSource.shrank(file, missing, geometry().sizeBytes());
        }
    }

    /** With O_DIRECT only: reads of what is not in the page cache are done one after the other. */
    @Override
    public boolean readsTogether() {
        return file.isDirect() && file.transfersTogether();
    }

    @Override
    public void writeAll(final Pieces pieces, final ByteBuffer from) throws IOException {
        if (!from.isDirect()) {
            Volume.super.writeAll(pieces, from);
            return;
        }
        requireWritable();
        requireInside(pieces);
        guard.writeAll(pieces, from);
    }

    @Override
    public void write(final long offset, final ByteBuffer from, final Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, from.remaining());
        if (from.isDirect()) {
            writeDirect(offset, from, flags.contains(Flag.FUA));
            return;
        }
        final ByteBuffer bounce = bounce(from.remaining());
        for (long at = offset; from.hasRemaining(); ) {
            final int n = Math.min(bounce.capacity(), from.remaining());
            bounce.clear().put(from.slice(from.position(), n)).flip();
            writeDirect(at, bounce, flags.contains(Flag.FUA));
            from.position(from.position() + n);
            at += n;
        }
    }

    private static ByteBuffer bounce(final int bytes) {
        return ByteBuffer.allocateDirect(Math.max(1, Math.min(bytes, BOUNCE_BYTES)));
    }

    private void writeDirect(final long offset, final ByteBuffer from, final boolean durable) throws IOException {
        final long address = Posix.get().addressOf(from) + from.position();
        final int length = from.remaining();
        if (!durable || !writeDurably(address, length, offset)) {
            guard.write(address, length, offset);
            if (durable) {
                flush();
            }
        }
        from.position(from.limit()); // also keeps the buffer reachable until here
    }

    /** Writes with RWF_DSYNC, which flushes this range only. Returns false, with nothing promised, where it does not work. */
    private boolean writeDurably(final long address, final long length, final long offset) throws IOException {
        if (!dsyncWrites || file.isDirect()) {
            return false; // O_DIRECT may need the slow way for an unaligned part
        }
        final Posix posix = Posix.get();
        final int fd = file.fd().acquire();
        try {
            for (long done = 0; done < length; ) {
                final long n = posix.pwritev2(fd, address + done, length - done, offset + done, Linux.RWF_DSYNC);
                if (n < 0 && Errnos.isUnsupported((int) -n)) {
                    dsyncWrites = false;
                    return false;
                }
                if (n <= 0) {
                    throw fail(new PosixException(
                            "pwritev2 RWF_DSYNC",
                            file.toString(),
                            offset + done,
                            length - done,
                            n == 0 ? Errnos.EIO : (int) -n));
                }
                done += n;
            }
            return true;
        } finally {
            file.fd().release();
        }
    }

    @Override
    public void zero(final long offset, final long length, final Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, length);
        final ZeroMode mode = flags.contains(Flag.NO_HOLE) ? ZeroMode.KEEP_ALLOCATED : ZeroMode.MAY_PUNCH;
        guard.exclusive(() -> {
            if (!flags.contains(Flag.FAST)) {
                file.zero(offset, length, mode);
            } else if (!file.zeroFast(offset, length, mode)) {
                throw new UnsupportedOperationException(
                        "fast zero " + file + " offset=" + offset + " length=" + length + ": ENOTSUP");
            }
        });
        if (flags.contains(Flag.FUA)) {
            flush();
        }
    }

    @Override
    public void trim(final long offset, final long length, final Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, length);
        guard.exclusive(() -> file.discard(offset, length)); // where that is not possible nothing need be done
        if (flags.contains(Flag.FUA)) {
            flush();
        }
    }

    @Override
    public void flush() throws IOException {
        requireSound();
        if (readOnly) {
            return;
        }
        try {
            file.datasync();
        } catch (final IOException e) {
            throw fail(e);
        }
    }

    private ReplicationException fail(final IOException e) {
        failure = e;
        return ReplicationException.fail(e.getMessage() + ": what was written may be lost", e);
    }

    @Override
    public void cache(final long offset, final long length) throws IOException {
        requireInside(offset, length);
        file.advise(offset, length, Linux.POSIX_FADV_WILLNEED);
    }

    @Override
    public List<Extent> extents(final long offset, final long length, final int limit) throws IOException {
        requireInside(offset, length);
        final List<Extent> found = new ArrayList<>();
        final long end = offset + length;
        long at = offset;
        while (at < end && found.size() < limit) {
            final FileRange data = file.isBlockDevice() ? new FileRange(at, end - at) : file.nextData(at, end);
            final long begin = data == null ? end : Math.min(data.offset(), end);
            if (begin > at) {
                found.add(Extent.hole(at, begin - at));
                at = begin;
            }
            if (data != null && at < end && found.size() < limit) {
                final long to = Math.min(data.end(), end);
                found.add(Extent.data(at, to - at));
                at = to;
            }
        }
        return found;
    }

    /** Empty with O_DIRECT: sendfile would go through the page cache. */
    @Override
    public Optional<FileSlice> slice(final long offset, final long length) {
        requireInside(offset, length);
        return file.isDirect() ? Optional.empty() : Optional.of(new FileSlice(sliceFd, offset, length));
    }

    private void requireWritable() throws IOException {
        if (readOnly) {
            throw ReplicationException.misuse(file + ": is open for reading only: EPERM");
        }
        requireSound();
    }

    private void requireSound() throws ReplicationException {
        final IOException earlier = failure;
        if (earlier != null) {
            throw ReplicationException.fail(file + ": an earlier flush failed: " + earlier.getMessage(), earlier);
        }
    }

    private void requireInside(final Pieces pieces) {
        for (int i = 0; i < pieces.count(); i++) {
            requireInside(pieces.offset(i), pieces.length(i));
        }
    }

    private void requireInside(final long offset, final long length) {
        final long size = geometry().sizeBytes();
        if (offset < 0 || length < 0 || offset > size - length) {
            throw new IllegalArgumentException(
                    "offset=" + offset + " length=" + length + " of " + file + " with " + size + " bytes");
        }
    }

    @Override
    public synchronized void close() throws IOException {
        if (!closed) {
            closed = true;
            try (file;
                    source) {
                file.fd().release();
            }
        }
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
