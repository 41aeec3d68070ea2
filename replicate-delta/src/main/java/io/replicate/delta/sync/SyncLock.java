package io.replicate.delta.sync;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a second run away from the snapshots of the first: it would rotate them once more, and the chain would be
 * broken. The kernel lets go of the lock when a run dies. The file stays: it could not be removed without a race.
 */
final class SyncLock implements AutoCloseable {
    private final FileChannel file;

    private SyncLock(final FileChannel file) {
        this.file = file;
    }

    /**
     * Takes the lock.
     *
     * @throws ReplicationException MISUSE when another run has it.
     */
    static SyncLock take(final Path path) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        final FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean taken = false;
        try {
            final @Nullable FileLock lock = file.tryLock();
            taken = lock != null;
        } catch (final OverlappingFileLockException e) {
            taken = false; // a run in this same process
        } finally {
            if (!taken) {
                file.close();
            }
        }
        if (!taken) {
            throw ReplicationException.misuse(
                    path + ": another sync of this volume is running; wait until it has ended");
        }
        return new SyncLock(file);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
