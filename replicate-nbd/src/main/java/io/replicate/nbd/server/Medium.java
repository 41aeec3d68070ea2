package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.bitmap.AtomicBits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A volume as the event loops and workers of a server use it: what can be done at once on an event loop, what must go to
 * a worker, and what is known not to be a hole. Safe for use by any thread.
 */
final class Medium {
    /** Remembers what is data in chunks of this many bytes. */
    private static final int KNOWN_SHIFT = 16;

    private static final long MAX_KNOWN_BYTES = 1L << 46;
    /**
     * How much is asked for when a place is not known yet. A file is asked to its end: a file system in memory walks to the
     * next hole page by page whatever the question, so that a thousand questions would cost a thousand walks.
     */
    private static final long LOOK_AHEAD = 4 << 20;

    private static final int LOOK_AHEAD_EXTENTS = 64;
    private static final long SLOW_WRITE_NS = 1_000_000;
    private static final long SLOW_PAUSE_NS = 50_000_000;

    /** How reads of a file behave. */
    private enum Access {
        /** Nothing ever waits. */
        MEMORY,
        /** The kernel can say whether a read would wait. */
        PAGE_CACHE,
        /** Only a worker may touch it. */
        BLOCKING
    }

    private final Volume volume;
    private final long size;
    private final int minBlock;
    private final @Nullable FileSlice file;
    private final Posix posix = Posix.get();
    private final Access access;
    private final @Nullable AtomicBits known;
    private volatile long slowUntilNs = System.nanoTime();
    private volatile @Nullable String broken;

    /**
     * @param inMemory whether the volume never waits for anything.
     */
    Medium(Volume volume, boolean inMemory) {
        this.volume = volume;
        this.minBlock = volume.geometry().minIoBytes();
        this.size = volume.geometry().sizeBytes() & -minBlock;
        this.file = size == 0
                ? null
                : volume.slice(0, size).filter(s -> s.length() >= size).orElse(null);
        this.access = inMemory ? Access.MEMORY : access();
        this.known = size < MAX_KNOWN_BYTES ? new AtomicBits((size >>> KNOWN_SHIFT) + 1) : null;
    }

    private Access access() {
        if (file == null || !posix.isNative()) {
            return Access.BLOCKING;
        }
        final java.nio.ByteBuffer probe = java.nio.ByteBuffer.allocateDirect(1);
        final long got = posix.preadv2(file.fd(), posix.addressOf(probe), 1, file.offset(), Linux.RWF_NOWAIT);
        if (got >= 0 || got == -Errnos.EAGAIN) {
            return minBlock == 1 ? Access.PAGE_CACHE : Access.BLOCKING;
        }
        try {
            final String type =
                    Files.getFileStore(Path.of("/proc/self/fd/" + file.fd())).type();
            return "tmpfs".equals(type) || "ramfs".equals(type) ? Access.MEMORY : Access.BLOCKING;
        } catch (final IOException e) {
            return Access.BLOCKING;
        }
    }

    Volume volume() {
        return volume;
    }

    long size() {
        return size;
    }

    int minBlock() {
        return minBlock;
    }

    /** Returns whether nothing but memory is touched, so that an event loop may do everything itself. */
    boolean inMemory() {
        return access == Access.MEMORY;
    }

    /** Returns whether reads may be tried on an event loop. */
    boolean mayReadNow() {
        return access != Access.BLOCKING;
    }

    /** Returns the file, where reads may be sent from it. */
    @Nullable
    FileSlice file() {
        return access == Access.BLOCKING ? null : file;
    }

    /** Returns whether a range is in memory at its ends and middle, as far as can be told without waiting. */
    boolean looksCached(long offset, long length) {
        return access == Access.MEMORY
                || (isCached(offset + length - 1) && isCached(offset + length / 2) && isCached(offset));
    }

    private boolean isCached(long offset) {
        final FileSlice f = file;
        return f != null && access == Access.PAGE_CACHE && ProbeByte.read(posix, f.fd(), f.offset() + offset);
    }

    /** One byte of memory per thread, to ask the kernel what is cached. */
    private static final class ProbeByte {
        private static final ThreadLocal<java.nio.ByteBuffer> BYTE =
                ThreadLocal.withInitial(() -> java.nio.ByteBuffer.allocateDirect(1));

        static boolean read(Posix posix, int fd, long offset) {
            return posix.preadv2(fd, posix.addressOf(BYTE.get()), 1, offset, Linux.RWF_NOWAIT) == 1;
        }
    }

    /**
     * Appends a range to {@code into} if that needs no waiting.
     *
     * @return whether it did; the writer index is as before when not.
     */
    boolean readNow(long offset, int length, ByteBuf into) {
        if (access == Access.BLOCKING) {
            return false;
        }
        final FileSlice f = file;
        if (f == null) {
            return readMemory(offset, length, into);
        }
        final long address = into.memoryAddress() + into.writerIndex();
        final long at = f.offset() + offset;
        final long got = access == Access.MEMORY
                ? posix.pread(f.fd(), address, length, at)
                : posix.preadv2(f.fd(), address, length, at, Linux.RWF_NOWAIT);
        if (got != length) {
            return false;
        }
        into.writerIndex(into.writerIndex() + length);
        return true;
    }

    private boolean readMemory(long offset, int length, ByteBuf into) {
        final int start = into.writerIndex();
        try {
            read(offset, length, into);
            return true;
        } catch (final IOException | RuntimeException e) {
            into.writerIndex(start);
            return false; // a worker meets it again, and reports it
        }
    }

    /** Appends a range to {@code into}. May wait. */
    void read(long offset, int length, ByteBuf into) throws IOException {
        volume.read(offset, into.internalNioBuffer(into.writerIndex(), length));
        into.writerIndex(into.writerIndex() + length);
    }

    /** Returns whether a write may be tried on an event loop: lately none took long. */
    boolean mayWriteNow() {
        return access == Access.MEMORY || (access == Access.PAGE_CACHE && System.nanoTime() - slowUntilNs > 0);
    }

    /** Writes on an event loop, and watches how long that takes: a full page cache waits for the disk. */
    void writeNow(long offset, ByteBuf from, int index, int length) throws IOException {
        if (access == Access.MEMORY) {
            write(offset, from, index, length, Set.of());
            return;
        }
        final long before = System.nanoTime();
        write(offset, from, index, length, Set.of());
        final long after = System.nanoTime();
        if (after - before > SLOW_WRITE_NS) {
            slowUntilNs = after + SLOW_PAUSE_NS;
        }
    }

    void write(long offset, ByteBuf from, int index, int length, Set<Volume.Flag> flags) throws IOException {
        checkSound();
        volume.write(offset, from.internalNioBuffer(index, length), flags);
    }

    void zero(long offset, long length, Set<Volume.Flag> flags) throws IOException {
        checkSound();
        forget(offset, length);
        volume.zero(offset, length, flags);
    }

    void trim(long offset, long length, Set<Volume.Flag> flags) throws IOException {
        checkSound();
        forget(offset, length);
        volume.trim(offset, length, flags);
    }

    /** Makes completed writes durable. After a failure nothing is ever acknowledged again: see {@link #checkSound}. */
    void flush() throws IOException {
        checkSound();
        try {
            volume.flush();
        } catch (final IOException | RuntimeException e) {
            broken = String.valueOf(e.getMessage());
            throw e;
        }
    }

    /** The kernel reports a failed write-back once and drops the pages: a later flush would succeed and be a lie. */
    private void checkSound() throws ReplicationException {
        final String reason = broken;
        if (reason != null) {
            throw ReplicationException.fail("an earlier flush failed, restart the server: " + reason, null);
        }
    }

    void cache(long offset, long length) throws IOException {
        volume.cache(offset, length);
    }

    /** Returns whether a range is known to be data all over. */
    boolean isKnownData(long offset, long length) {
        return known != null && length > 0 && known.all(offset >>> KNOWN_SHIFT, (offset + length - 1) >>> KNOWN_SHIFT);
    }

    /** Returns the extents of a range that is about to be read, and remembers what is data around it. */
    List<Extent> look(long offset, long length, int limit) throws IOException {
        if (known == null) {
            return volume.extents(offset, length, limit);
        }
        final long from = offset >>> KNOWN_SHIFT << KNOWN_SHIFT;
        final long to = file != null ? size : Math.min(size, Math.max(offset + length, from + LOOK_AHEAD));
        final List<Extent> wide = volume.extents(from, to - from, LOOK_AHEAD_EXTENTS);
        for (final Extent extent : wide) {
            if (extent.hasData()) {
                remember(extent);
            }
        }
        if (!wide.isEmpty() && wide.get(wide.size() - 1).end() >= offset + length) {
            return wide;
        }
        return volume.extents(offset, length, limit);
    }

    private void remember(Extent data) {
        final AtomicBits bits = known;
        final long first = (data.offset() + (1 << KNOWN_SHIFT) - 1) >>> KNOWN_SHIFT;
        final long end = data.end() >= size ? (size >>> KNOWN_SHIFT) + 1 : data.end() >>> KNOWN_SHIFT;
        if (bits != null && first < end) {
            bits.set(first, end - 1);
        }
    }

    private void forget(long offset, long length) {
        final AtomicBits bits = known;
        if (bits != null && length > 0) {
            bits.clear(offset >>> KNOWN_SHIFT, (offset + length - 1) >>> KNOWN_SHIFT);
        }
    }
}
