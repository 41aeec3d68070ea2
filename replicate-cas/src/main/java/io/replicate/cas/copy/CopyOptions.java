package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Checkpoint;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** How a copy is done. Filled once, then only read. */
public final class CopyOptions {
    /** How many blocks are read, and as many written, at once. */
    public static final int DEFAULT_WORKERS = 16;

    private static final long DEFAULT_MEMORY_BYTES = 256L << 20;

    /** In which order contents are copied. */
    public enum Order {
        HASH,
        LARGEST
    }

    String prefix = "";
    BlockFilter filter = BlockFilter.ALL;
    int workers = DEFAULT_WORKERS;
    long memoryBytes = defaultMemoryBytes();
    int copies;
    Order order = Order.HASH;
    long rateBytesPerSecond = Throttle.UNLIMITED;
    long requestsPerSecond = Throttle.UNLIMITED;
    boolean ensureCopies;
    boolean fixPlacement;
    boolean reportPlacement;
    boolean stopOnError;
    int sliceDigits;

    @Nullable
    Checkpoint checkpoint;

    @Nullable
    DigestTable plan;

    @Nullable
    DigestTable copiesByHash;

    /** Returns the memory for blocks unless somebody says otherwise: half of the direct memory, at most 256 MiB. */
    public static long defaultMemoryBytes() {
        return Math.min(DEFAULT_MEMORY_BYTES, io.netty.util.internal.PlatformDependent.estimateMaxDirectMemory() / 2);
    }

    /** Copies only hashes with this prefix, in hexadecimal. */
    public CopyOptions prefix(final String hex) {
        prefix = hex;
        return this;
    }

    /** Copies only what the filter takes. */
    public CopyOptions filter(final BlockFilter value) {
        filter = value;
        return this;
    }

    /** Sets how many blocks are read, and as many written, at once. */
    public CopyOptions workers(final int count) {
        workers = count;
        return this;
    }

    /** Sets the memory for blocks, in bytes. */
    public CopyOptions memoryBytes(final long bytes) {
        memoryBytes = bytes;
        return this;
    }

    /** Sets how many copies each content gets; 0 for the destination's default. */
    public CopyOptions copies(final int count) {
        copies = count;
        return this;
    }

    /** Sets the order. */
    public CopyOptions order(final Order value) {
        order = value;
        return this;
    }

    /** Reads no faster than this. */
    public CopyOptions rateBytesPerSecond(final long rate) {
        rateBytesPerSecond = rate;
        return this;
    }

    /** Begins no more blocks a second than this. */
    public CopyOptions requestsPerSecond(final long rate) {
        requestsPerSecond = rate;
        return this;
    }

    /** Adds the missing copies of contents that the destination has too few of. */
    public CopyOptions ensureCopies(final boolean value) {
        ensureCopies = value;
        return this;
    }

    /** Adds copies in the places where they belong and are not. */
    public CopyOptions fixPlacement(final boolean value) {
        fixPlacement = value;
        return this;
    }

    /** Counts what is not where it belongs. */
    public CopyOptions reportPlacement(final boolean value) {
        reportPlacement = value;
        return this;
    }

    /** Ends the copy at the first block that fails. */
    public CopyOptions stopOnError(final boolean value) {
        stopOnError = value;
        return this;
    }

    /** Reads the indexes in slices, by the first so many hexadecimal digits behind the prefix: less memory at once. */
    public CopyOptions sliceDigits(final int digits) {
        sliceDigits = digits;
        return this;
    }

    /** Remembers finished slices, so that the next run does not read their indexes again. */
    public CopyOptions checkpoint(final Checkpoint store) {
        checkpoint = store;
        return this;
    }

    /** Copies what this table lists instead of what the source's index does. */
    public CopyOptions plan(final DigestTable table) {
        plan = table;
        return this;
    }

    /** Gives each hash of the table its own number of copies: that of its highest place. */
    public CopyOptions copiesByHash(final DigestTable table) {
        copiesByHash = table;
        return this;
    }

    boolean needsPlaces() {
        return ensureCopies || fixPlacement || reportPlacement;
    }

    OptionalInt ownCopies(final byte[] hash) {
        final DigestTable table = copiesByHash;
        final java.util.List<Integer> found = table == null ? null : table.find(hash);
        return found == null || found.isEmpty() ? OptionalInt.empty() : OptionalInt.of(found.get(found.size() - 1));
    }
}
