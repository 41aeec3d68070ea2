package io.replicate.core.file;

import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.Pieces;
import io.replicate.core.posix.Posix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps writes that go through the page cache apart from writes that go around it. With O_DIRECT, the unaligned end of
 * a write is buffered: the page that holds it also holds its neighbours, as they were, and would write them back over a
 * direct write that runs at the same time. Aligned direct writes run side by side, and buffered files need no guard.
 */
final class BlockGuard {
    /** A step on the file. */
    interface Step {
        void run() throws IOException;
    }

    private final NativeFile file;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    BlockGuard(final NativeFile file) {
        this.file = file;
    }

    /** Allocates nothing: this is the path of every small write. */
    void write(final long address, final long length, final long offset) throws IOException {
        if (!file.isDirect()) {
            file.pwrite(address, length, offset);
            return;
        }
        final Lock side = sideOf(address | length | offset);
        side.lock();
        try {
            file.pwrite(address, length, offset);
        } finally {
            side.unlock();
        }
    }

    void writeAll(final Pieces pieces, final ByteBuffer direct) throws IOException {
        if (!file.isDirect()) {
            file.writeAll(pieces, direct);
            return;
        }
        final Lock side = sideOf(Posix.get().addressOf(direct) | pieces.bits());
        side.lock();
        try {
            file.writeAll(pieces, direct);
        } finally {
            side.unlock();
        }
    }

    /** @param bits of all addresses, offsets and lengths. */
    private Lock sideOf(final long bits) {
        final boolean aligned = (bits & (file.directAlignment() - 1L)) == 0;
        return aligned ? lock.readLock() : lock.writeLock();
    }

    /** Runs a step that may write parts of blocks. */
    void exclusive(final Step step) throws IOException {
        if (!file.isDirect()) {
            step.run();
            return;
        }
        lock.writeLock().lock();
        try {
            step.run();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
