package io.replicate.core.file;

import io.replicate.core.block.Block;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.ZeroMode;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes extents to an open file or device. Knows from where on the file has never been written, so that holes of a new
 * file cost nothing. After the first failure nothing succeeds any more. Thread-safe.
 */
final class ExtentWriter {
    private final NativeFile file;
    private final BlockGuard guard;
    private final long sizeBytes;
    private final AtomicLong cleanFrom;
    private final AtomicLong end = new AtomicLong();
    private volatile @Nullable IOException failure;

    /**
     * Creates a writer.
     *
     * @param sizeBytes beyond which nothing may be written, or {@link Unit#UNKNOWN}.
     * @param cleanFrom the offset from which on the file is one hole; Long.MAX_VALUE when nothing is known.
     */
    ExtentWriter(final NativeFile file, final long sizeBytes, final long cleanFrom) {
        this.file = file;
        this.guard = new BlockGuard(file);
        this.sizeBytes = sizeBytes;
        this.cleanFrom = new AtomicLong(cleanFrom);
    }

    Stored write(final Extent unit, final @Nullable Block from) throws IOException {
        requireSound();
        if (sizeBytes != Unit.UNKNOWN && unit.end() > sizeBytes) {
            throw ReplicationException.misuse("write " + file + " offset=" + unit.offset() + " length=" + unit.length()
                    + ": beyond the end at " + sizeBytes);
        }
        try {
            switch (unit.kind()) {
                case DATA -> data(unit, from);
                case ZERO -> zero(unit);
                case HOLE -> hole(unit);
            }
        } catch (final IOException e) {
            failure = e;
            throw e;
        }
        advance(end, unit.end());
        return Stored.ONCE;
    }

    /** Takes note of bytes that were put to the file in another way. */
    Stored spliced(final Extent unit) throws IOException {
        requireSound();
        advance(cleanFrom, unit.end());
        advance(end, unit.end());
        return Stored.ONCE;
    }

    private void data(final Extent unit, final @Nullable Block from) throws IOException {
        if (from == null || from.length() != unit.length()) {
            throw new IllegalArgumentException(unit + " with a block of " + (from == null ? "none" : from.length()));
        }
        advance(cleanFrom, unit.end()); // first: a hole that follows must see it
        guard.write(from.address(), unit.length(), unit.offset());
    }

    private void zero(final Extent unit) throws IOException {
        if (unit.offset() < cleanFrom.get()) {
            guard.exclusive(() -> file.zero(unit.offset(), unit.length(), ZeroMode.KEEP_ALLOCATED));
        }
    }

    private void hole(final Extent unit) throws IOException {
        if (unit.offset() < cleanFrom.get()) {
            guard.exclusive(() -> punch(unit.offset(), unit.length()));
        }
    }

    /** Devices punch whole blocks only. A punch reads as zeros, which a discard does not promise. */
    private void punch(final long offset, final long length) throws IOException {
        final long mask = file.isBlockDevice() ? file.directAlignment() - 1L : 0;
        final long from = offset + mask & ~mask;
        final long to = offset + length & ~mask;
        if (from < to && file.punch(from, to - from)) {
            file.zero(offset, from - offset, ZeroMode.MAY_PUNCH);
            file.zero(to, offset + length - to, ZeroMode.MAY_PUNCH);
        } else {
            file.zero(offset, length, ZeroMode.MAY_PUNCH);
        }
    }

    private static void advance(final AtomicLong mark, final long to) {
        if (mark.get() < to) {
            mark.accumulateAndGet(to, Math::max);
        }
    }

    /** Returns the end of the last byte that was written, zeroed or left a hole. */
    long endBytes() {
        return end.get();
    }

    /** Makes what was written durable. */
    void flush() throws IOException {
        sync(false);
    }

    /** Makes what was written durable, with size, mode and owner. */
    void sync() throws IOException {
        sync(true);
    }

    private void sync(final boolean all) throws IOException {
        requireSound();
        try {
            if (all) {
                file.sync();
            } else {
                file.datasync();
            }
        } catch (final IOException e) {
            failure = e;
            throw ReplicationException.fail(
                    e.getMessage() + ": what was written may be lost, this target cannot be trusted any more", e);
        }
    }

    /** Throws when something has failed before: a hole in the content, or data that the kernel may have dropped. */
    void requireSound() throws ReplicationException {
        final IOException earlier = failure;
        if (earlier != null) {
            throw ReplicationException.fail(file + ": an earlier step failed: " + earlier.getMessage(), earlier);
        }
    }
}
