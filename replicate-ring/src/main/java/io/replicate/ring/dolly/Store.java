package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes to the target and keeps the digest, on a thread of its own. When the disk fails the digest goes on, so that
 * those behind this node still get the stream and its proof. What is stored can be read again.
 */
final class Store implements AutoCloseable, History {
    private final StreamTarget target;
    private final Duration patience;
    private final ExtentDigest digest = new ExtentDigest();
    private final PieceQueue queue = new PieceQueue();
    private final Thread thread;
    private volatile @Nullable IOException failure;
    private volatile @Nullable IOException broken;
    private long stored;

    /** @param patience how long the history waits for what is on its way. */
    Store(final StreamTarget target, final Duration patience) {
        this.target = target;
        this.patience = patience;
        this.thread = Threads.start("dolly-store", this::run);
    }

    /** Stores a piece; the caller keeps its reference. */
    void offer(final Piece piece) throws IOException {
        queue.put(piece.retain());
    }

    /** Returns why the copy is not whole, or null. */
    @Nullable
    IOException failure() {
        return failure;
    }

    private void run() {
        try {
            for (Piece piece = queue.take(); piece != null; piece = queue.take()) {
                try {
                    store(piece);
                } finally {
                    piece.release();
                }
                synchronized (this) {
                    stored = piece.end();
                    notifyAll();
                }
            }
        } catch (final IOException e) {
            broken = e;
        } catch (final RuntimeException | Error e) {
            broken = new IOException("store: " + e, e);
            queue.fail(broken);
        }
    }

    private void store(final Piece piece) {
        piece.addTo(digest);
        if (failure != null) {
            return;
        }
        try {
            final @Nullable Block block = piece.block();
            if (piece.file() != null) {
                target.spliced(piece.offset(), piece.length());
            } else if (piece.zero()) {
                target.zeros(piece);
            } else if (block != null) {
                target.write(piece.offset(), block);
            }
        } catch (final IOException e) {
            failure = e;
        }
    }

    @Override
    public Piece piece(final long offset, final long limit) throws IOException {
        awaitStored(limit);
        final IOException lost = failure;
        if (lost != null) {
            throw ReplicationException.fail("offset " + offset + " was not stored: " + lost.getMessage(), lost);
        }
        final Block block = Block.unpooled((int) (limit - offset));
        try {
            block.length((int) (limit - offset));
            if (!target.readBack(offset, block)) {
                throw ReplicationException.fail("the target cannot be read again at offset " + offset, null);
            }
            return Piece.of(offset, block, new CRC32C());
        } catch (final IOException | RuntimeException e) {
            block.release();
            throw e;
        }
    }

    private synchronized void awaitStored(final long limit) throws IOException {
        final Deadline deadline = Deadline.in(patience);
        while (stored < limit) {
            if (deadline.passed() || broken != null) {
                throw ReplicationException.fail("the store does not get to offset " + limit, broken);
            }
            try {
                wait(Math.min(1000, deadline.left().toMillis()));
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
            }
        }
    }

    /** Waits until all is written, and returns the digest of it. */
    String finish() throws IOException {
        queue.finish();
        Threads.join(thread);
        final @Nullable IOException why = broken;
        if (why != null) {
            throw why;
        }
        return digest.finish().hex();
    }

    @Override
    public void close() {
        queue.fail(new IOException("given up"));
        Threads.join(thread);
    }
}
