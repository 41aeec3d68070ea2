package io.replicate.core.block;

import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lends a fixed number of equal blocks: the memory budget of a job. Blocks are made when they are first needed and kept
 * until the pool is closed. Safe for use by any thread.
 *
 * <p><b>Design note:</b> Netty's aligned pool needs Unsafe, which newer JDKs switch off; these blocks are aligned on all
 * of them.
 */
public final class BlockPool implements AutoCloseable {
    private static final Duration DEFAULT_WAIT = Duration.ofMinutes(5);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition returned = lock.newCondition();
    private final ArrayDeque<Block> idle;
    private final int blockBytes;
    private final int maxBlocks;
    private int made;
    private long comeBack;
    private boolean closed;

    /**
     * Creates a pool of at most {@code maxBlocks} blocks of {@code blockBytes} bytes each.
     */
    public BlockPool(final int blockBytes, final int maxBlocks) {
        if (blockBytes < 1 || maxBlocks < 1) {
            throw new IllegalArgumentException("pool of " + maxBlocks + " blocks of " + blockBytes + " bytes");
        }
        this.blockBytes = blockBytes;
        this.maxBlocks = maxBlocks;
        this.idle = new ArrayDeque<>(Math.min(maxBlocks, 1024));
    }

    /** Returns the capacity of each block in bytes. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Returns how many blocks can be out at once. */
    public int maxBlocks() {
        return maxBlocks;
    }

    /** Returns how many blocks are out now. */
    public int lent() {
        lock.lock();
        try {
            return made - idle.size();
        } finally {
            lock.unlock();
        }
    }

    /** Returns a block of length 0, as {@link #take(Duration)} with a wait of five minutes. */
    public Block take() throws ReplicationException {
        return take(DEFAULT_WAIT);
    }

    /**
     * Returns a block of length 0, and waits until one comes back when all are out. The caller owns one reference.
     *
     * @throws ReplicationException CANCELLED when the pool is closed or the thread is interrupted, FAIL_JOB when nothing
     *     came back within {@code wait}, to nobody: somebody keeps blocks.
     */
    public Block take(final Duration wait) throws ReplicationException {
        lock.lock();
        try {
            long leftNs = wait.toNanos();
            long seen = comeBack;
            while (true) {
                final @Nullable Block block = takeOrMake();
                if (block != null) {
                    return block;
                }
                if (leftNs <= 0) {
                    throw ReplicationException.fail(
                            "no block came back to the pool within " + wait.toSeconds() + " s: all " + maxBlocks
                                    + " blocks of " + blockBytes + " bytes are out",
                            null);
                }
                leftNs = returned.awaitNanos(leftNs);
                if (seen != comeBack) {
                    // Others were quicker: blocks do come back.
                    seen = comeBack;
                    leftNs = wait.toNanos();
                }
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for a block", e);
        } finally {
            lock.unlock();
        }
    }

    /** Returns a block of length 0, or null when all are out. */
    public @Nullable Block tryTake() throws ReplicationException {
        lock.lock();
        try {
            return takeOrMake();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Block takeOrMake() throws ReplicationException {
        if (closed) {
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "the block pool is closed");
        }
        @Nullable Block block = idle.pollLast();
        if (block == null && made < maxBlocks) {
            block = new Block(blockBytes, this);
            made++;
        }
        if (block != null) {
            block.lend();
        }
        return block;
    }

    void takeBack(final Block block) {
        lock.lock();
        try {
            comeBack++;
            if (closed) {
                made--;
            } else {
                idle.addLast(block);
            }
            returned.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Wakes whoever waits (CANCELLED) and lets the memory go as blocks come back. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            made -= idle.size();
            idle.clear();
            returned.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
