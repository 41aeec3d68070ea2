package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.CasStore.Finding;
import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Looks after the copies that a store has: proves each one, writes a good one over a damaged one, and renews times. Every
 * holder of every content is looked at by itself. Used once.
 */
public final class Upkeep {
    private static final double ALL = 1.0;
    private static final double HASH_RANGE = 65_536;

    /** How a copy is looked at. */
    public enum Depth {
        /** The store is asked, and does what it does: an old keepstore reads the block, a new one looks. */
        HEAD,
        /** The block is read here. */
        READ
    }

    /** Hears what was found. Called by several threads. */
    @FunctionalInterface
    public interface Findings {
        /**
         * A copy that is not good.
         *
         * @param repaired whether a good one was written over it.
         */
        void found(Digest digest, String place, Finding finding, boolean repaired);
    }

    /**
     * What an upkeep came to, in copies.
     *
     * @param looked at, or touched.
     * @param bad that were not good, repaired ones among them.
     * @param repaired by a good copy.
     */
    public record Outcome(long looked, long bad, long repaired) {}

    private final CasStore store;
    private final List<CasStore> healers;
    private final @Nullable CasStore source;
    private final String prefix;
    private final int workers;
    private final long memoryBytes;
    private final Throttle throttle;
    private final Cancellation cancellation;
    private final LongAdder looked = new LongAdder();
    private final LongAdder bad = new LongAdder();
    private final LongAdder repaired = new LongAdder();

    /**
     * Prepares an upkeep.
     *
     * @param source where good copies come from before the store's own other copies; null for those only.
     */
    public Upkeep(
            final CasStore store,
            final @Nullable CasStore source,
            final CopyOptions options,
            final Cancellation cancellation) {
        this.store = store;
        this.source = source;
        this.prefix = options.prefix;
        this.healers = source == null ? List.of(store) : List.of(source, store);
        this.workers = options.workers;
        this.memoryBytes = options.memoryBytes;
        this.throttle = new Throttle(options.requestsPerSecond);
        this.cancellation = cancellation;
    }

    /** Reads the index of a store with the place of every copy. */
    public static DigestTable holders(final CasStore store, final String prefix, final Cancellation cancellation)
            throws IOException {
        final DigestTable table =
                new DigestTable(store.algorithm(), store.places().size());
        final List<SideIndexes.Job> jobs = new ArrayList<>();
        for (final SideIndexes.Job job : SideIndexes.of(store, prefix, BlockFilter.ALL, table)) {
            jobs.add(job.atEachPlace());
        }
        SideIndexes.run(jobs, cancellation, () -> {});
        table.seal();
        return table;
    }

    /**
     * Proves copies.
     *
     * @param sample the part of the contents that is looked at, 0 to 1; the same ones each time.
     * @param repair whether good copies are written over bad ones.
     */
    public Outcome verify(
            final DigestTable holders,
            final Depth depth,
            final double sample,
            final boolean repair,
            final Findings findings)
            throws IOException {
        final DigestTable sizes = repair ? sizesInSource() : null;
        return forEach(holders, sizes, (digest, places, block) -> {
            if (sample < ALL && !sampled(digest, sample)) {
                return;
            }
            for (final int place : places) {
                throttle.acquire(1, cancellation);
                final Finding finding =
                        depth == Depth.HEAD ? store.ask(place, digest) : store.prove(place, digest, block);
                looked.increment();
                if (finding != Finding.GOOD) {
                    bad.increment();
                    final boolean healed = sizes != null && heal(trueOf(digest, sizes), place, block);
                    if (healed) {
                        repaired.increment();
                    }
                    findings.found(digest, store.places().get(place), finding, healed);
                }
            }
        });
    }

    private static boolean sampled(final Digest digest, final double sample) {
        final byte[] hash = digest.hash();
        // The last bytes: a prefix selects by the first.
        final int draw = (hash[hash.length - 2] & 0xff) << 8 | (hash[hash.length - 1] & 0xff);
        return draw < sample * HASH_RANGE;
    }

    /** Lists how long contents are: where all copies are truncated, this store's own index does not tell. */
    private DigestTable sizesInSource() throws IOException {
        DigestTable table = new DigestTable(store.algorithm(), 0);
        if (source != null) {
            try {
                SideIndexes.run(SideIndexes.of(source, prefix, BlockFilter.ALL, table), cancellation, () -> {});
            } catch (final ReplicationException e) {
                if (e.category() == ReplicationException.Category.CANCELLED) {
                    throw e;
                }
                // The store's own other copies may still be good.
                table = new DigestTable(store.algorithm(), 0);
            }
        }
        table.seal();
        return table;
    }

    /** A damaged copy is shorter in most cases, on whichever side it is. */
    private static Digest trueOf(final Digest listed, final DigestTable sizes) {
        final Digest known = sizes.get(listed.hash());
        return known == null || known.lengthBytes() < listed.lengthBytes() ? listed : known;
    }

    private boolean heal(final Digest digest, final int place, final Block block) throws IOException {
        for (final CasStore healer : healers) {
            try {
                if (healer.read(digest, block) >= 0) {
                    store.storeAt(place, digest, block);
                    return true;
                }
            } catch (final ReplicationException e) {
                if (e.category() == ReplicationException.Category.CANCELLED) {
                    throw e;
                }
            }
        }
        return false;
    }

    /** Renews the time of every copy; those that cannot be renewed without their bytes are written again. */
    public Outcome touch(final DigestTable holders, final Findings findings) throws IOException {
        return forEach(holders, null, (digest, places, block) -> {
            boolean loaded = false;
            for (final int place : places) {
                throttle.acquire(1, cancellation);
                looked.increment();
                try {
                    if (store.touch(place, digest, loaded ? block : null)) {
                        continue;
                    }
                    loaded = loaded || load(digest, block);
                    if (loaded && store.touch(place, digest, block)) {
                        continue;
                    }
                } catch (final ReplicationException e) {
                    if (e.category() == ReplicationException.Category.CANCELLED) {
                        throw e;
                    }
                }
                bad.increment();
                findings.found(digest, store.places().get(place), Finding.UNREADABLE, false);
            }
        });
    }

    private boolean load(final Digest digest, final Block block) throws IOException {
        for (final CasStore healer : healers) {
            try {
                if (healer.read(digest, block) >= 0) {
                    return true;
                }
            } catch (final ReplicationException e) {
                if (e.category() == ReplicationException.Category.CANCELLED) {
                    throw e;
                }
            }
        }
        return false;
    }

    private interface Look {
        void at(Digest digest, List<Integer> places, Block block) throws IOException;
    }

    private Outcome forEach(final DigestTable holders, final @Nullable DigestTable sizes, final Look look)
            throws IOException {
        final int blockBytes = sizes == null ? largest(holders) : Math.max(largest(holders), largest(sizes));
        final int count = (int) Math.max(1, Math.min(workers, memoryBytes / blockBytes));
        final DigestTable.Cursor cursor = holders.cursor();
        final AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
        try (BlockPool pool = new BlockPool(blockBytes, count)) {
            final List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                final Thread thread = new Thread(() -> work(cursor, look, pool, failure), "upkeep-" + i);
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
            for (final Thread thread : threads) {
                thread.join();
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            cancellation.cancel();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while looking after copies", e);
        }
        final IOException first = failure.get();
        if (first != null) {
            throw first;
        }
        return new Outcome(looked.sum(), bad.sum(), repaired.sum());
    }

    private static int largest(final DigestTable table) {
        long most = 1;
        for (final DigestTable.Cursor cursor = table.cursor(); cursor.next(); ) {
            most = Math.max(most, cursor.sizeBytes());
        }
        return (int) Math.min(most, 64 << 20);
    }

    private void work(
            final DigestTable.Cursor cursor,
            final Look look,
            final BlockPool pool,
            final AtomicReference<@Nullable IOException> failure) {
        try {
            final Block block = pool.take();
            try {
                while (failure.get() == null) {
                    cancellation.check();
                    final Digest digest;
                    final List<Integer> places;
                    synchronized (cursor) {
                        if (!cursor.next()) {
                            return;
                        }
                        digest = cursor.digest();
                        places = cursor.places();
                    }
                    look.at(digest, places, block);
                }
            } finally {
                block.release();
            }
        } catch (final IOException e) {
            failure.compareAndSet(null, e);
        } catch (final RuntimeException | Error e) {
            failure.compareAndSet(null, ReplicationException.fail("unexpected: " + e, e));
        }
    }
}
