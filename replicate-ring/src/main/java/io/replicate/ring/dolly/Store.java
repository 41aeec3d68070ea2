package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPipe;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Extent;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Writes to the target and keeps the digest, on a thread of its own. When the disk fails the digest goes on, so that
 * those behind this node still get the stream and its proof.
 */
final class Store implements AutoCloseable {
    private static final int PIPE_BLOCKS = 8;

    private final StreamTarget target;
    private final StreamDigest digest = new StreamDigest();
    private final BlockPipe<Extent> pipe = new BlockPipe<>(PIPE_BLOCKS, ControlLink.FOR_EVER);
    private final Thread thread;
    private volatile @Nullable IOException failure;
    private volatile @Nullable IOException broken;

    Store(final StreamTarget target) {
        this.target = target;
        this.thread = Threads.start("dolly-store", this::run);
    }

    /** Stores a block; the caller keeps its reference. */
    void offer(final Extent extent, final Block block) throws IOException {
        pipe.put(new Parcel<>(extent, block.retain()));
    }

    /** Returns why the copy is not whole, or null. */
    @Nullable
    IOException failure() {
        return failure;
    }

    private void run() {
        try {
            for (Parcel<Extent> parcel = pipe.take(); parcel != null; parcel = pipe.take()) {
                try {
                    store(parcel);
                } finally {
                    parcel.release();
                }
            }
        } catch (final IOException e) {
            broken = e;
        } catch (final RuntimeException | Error e) {
            broken = new IOException("store: " + e, e);
            pipe.fail(broken);
        }
    }

    private void store(final Parcel<Extent> parcel) {
        final @Nullable Block block = parcel.block();
        if (block == null) {
            throw new IllegalStateException("a parcel without bytes");
        }
        final long offset = parcel.unit().offset();
        digest.add(offset, block);
        if (failure == null) {
            try {
                target.write(offset, block);
            } catch (final IOException e) {
                failure = e;
            }
        }
    }

    /** Waits until all is written, and returns the digest of it. */
    String finish() throws IOException {
        pipe.finish();
        Threads.join(thread);
        final @Nullable IOException why = broken;
        if (why != null) {
            throw why;
        }
        return digest.finish();
    }

    @Override
    public void close() {
        pipe.fail(new IOException("given up"));
        Threads.join(thread);
    }
}
