package io.replicate.core.file;

import io.replicate.core.posix.NativeFile;
import java.io.IOException;
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

    void write(final long address, final long length, final long offset) throws IOException {
        if (!file.isDirect()) {
            file.pwrite(address, length, offset);
            return;
        }
        final long mask = file.directAlignment() - 1L;
        final boolean aligned = ((address | length | offset) & mask) == 0;
        final Lock side = aligned ? lock.readLock() : lock.writeLock();
        side.lock();
        try {
            file.pwrite(address, length, offset);
        } finally {
            side.unlock();
        }
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
