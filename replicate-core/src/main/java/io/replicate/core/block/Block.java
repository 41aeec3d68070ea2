package io.replicate.core.block;

import io.netty.buffer.Unpooled;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A page-aligned piece of direct memory with a length and a reference count. Whoever takes a block from its pool owns
 * one reference; the last {@link #release()} gives the memory back. Content and length are written by the owner before
 * it is shared, and only read afterwards; then any thread may read it.
 */
public final class Block extends AbstractReferenceCounted {
    /** Every block begins at a multiple of this many bytes. */
    public static final int ALIGNMENT = 4096;

    private static final ResourceLeakDetector<Block> LEAKS =
            ResourceLeakDetectorFactory.instance().newResourceLeakDetector(Block.class);

    private final ByteBuffer memory;
    private final long address;
    private final @Nullable BlockPool pool;
    private @Nullable ResourceLeakTracker<Block> leak;
    private int length;

    Block(final int capacity, final @Nullable BlockPool pool) {
        final ByteBuffer large = capacity < LargeMemory.MIN_BYTES ? null : LargeMemory.allocate(capacity);
        this.memory = large == null ? allocate(capacity) : large;
        this.address = Unpooled.wrappedBuffer(memory).memoryAddress();
        this.pool = pool;
    }

    private static ByteBuffer allocate(final int capacity) {
        // an aligned slice also ends at a multiple: without rounding up it may be too short
        final int rounded = Math.addExact(capacity, ALIGNMENT - 1) & -ALIGNMENT;
        return ByteBuffer.allocateDirect(rounded + ALIGNMENT)
                .alignedSlice(ALIGNMENT)
                .slice(0, capacity);
    }

    /** Returns a block that belongs to no pool, with length 0. */
    public static Block unpooled(final int capacity) {
        final Block block = new Block(capacity, null);
        block.leak = LEAKS.track(block);
        return block;
    }

    void lend() {
        setRefCnt(1);
        length = 0;
        leak = LEAKS.track(this);
    }

    /** Returns the number of bytes that fit. */
    public int capacity() {
        return memory.capacity();
    }

    /** Returns the number of bytes that are valid, from the beginning. */
    public int length() {
        return length;
    }

    /** Sets the number of valid bytes. */
    public void length(final int newLength) {
        if (newLength < 0 || newLength > memory.capacity()) {
            throw new IllegalArgumentException("length " + newLength + " of a block of " + memory.capacity());
        }
        length = newLength;
    }

    /** Returns the address of the first byte, a multiple of {@link #ALIGNMENT}. */
    public long address() {
        return address;
    }

    /** Returns a new view of the valid bytes, position 0. */
    public ByteBuffer bytes() {
        return memory.slice(0, length);
    }

    /** Returns a new view of the whole capacity, position 0, to be filled; then call {@link #length(int)}. */
    public ByteBuffer space() {
        return memory.duplicate().clear();
    }

    @Override
    public Block retain() {
        super.retain();
        return this;
    }

    @Override
    public Block touch(final Object hint) {
        if (leak != null) {
            leak.record(hint);
        }
        return this;
    }

    @Override
    public ReferenceCounted touch() {
        return touch("touched");
    }

    @Override
    protected void deallocate() {
        final ResourceLeakTracker<Block> tracker = leak;
        leak = null;
        if (tracker != null) {
            tracker.close(this);
        }
        if (pool != null) {
            pool.takeBack(this);
        }
    }
}
