package io.replicate.delta;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.StreamWriter;
import io.replicate.delta.cow.Trailer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes one delta of several that follow each other: of a chunk that more than one changes, the last counts. */
public final class Compose {
    private final List<StoreReader> stores;
    private final List<List<Trailer.Sample>> samples;
    private final SnapLayout layout;

    /**
     * One of the deltas.
     *
     * @param store with its changes.
     * @param samples of what it leaves as it is.
     */
    public record Delta(StoreReader store, List<Trailer.Sample> samples) {

        /**
         * Opens a delta; one with a marker is read to its end, so that its checksums prove it.
         *
         * @param where for messages.
         */
        public static Delta open(final RandomBytes file, final String where, final boolean lenient) throws IOException {
            final StoreReader store = StoreReader.open(file, where);
            if (store.header().marker() == null) {
                return new Delta(store, List.of());
            }
            final DeltaRanges.Read read = DeltaRanges.read(new DeltaInput.Sequential(file), where, lenient);
            read.chunks().close();
            return new Delta(store, read.samples());
        }
    }

    /** Creates a composition of deltas, oldest first. */
    public Compose(final List<Delta> deltas) {
        this.stores = deltas.stream().map(Delta::store).toList();
        this.samples = deltas.stream().map(Delta::samples).toList();
        long chunk = Long.MAX_VALUE;
        for (final StoreReader store : stores) {
            chunk = Math.min(chunk, store.layout().chunkBytes());
        }
        this.layout = new SnapLayout(chunk);
    }

    /**
     * Writes the composition. It has a marker when all the deltas have one.
     *
     * @throws ReplicationException MISUSE when one does not begin where the one before ends.
     */
    public SnapReport write(final WritableByteChannel out, final boolean lenient) throws IOException {
        requireChain();
        final @Nullable Marker last = stores.get(stores.size() - 1).header().marker();
        if (last == null && stores.stream().anyMatch(store -> !store.layout().equals(layout))) {
            throw ReplicationException.misuse("the last delta is bare, so the size of the image is not known, and the"
                    + " chunks differ in size: of a large chunk at the end of the image nobody knows which part is"
                    + " real. Extract the last one without --bare, or all with the same chunk size");
        }
        final long end = last == null ? Long.MAX_VALUE : last.imageBytes();
        ExceptionList all = new ExceptionList();
        try {
            long base = 0;
            for (final StoreReader store : stores) {
                all = overlay(all, store, base, end, lenient);
                base = Math.addExact(base, store.bytes());
            }
            final @Nullable Marker first = stores.get(0).header().marker();
            final boolean marked = stores.stream().allMatch(s -> s.header().marker() != null);
            final @Nullable Marker marker = marked && first != null && last != null
                    ? new Marker(last.imageBytes(), all.size(), StreamIds.random(), first.base(), last.generation())
                    : null;
            final ExceptionList changed = all;
            final long known = first == null ? 0 : first.imageBytes();
            new StreamWriter(out, layout, marker).write(all, data(), () -> unchanged(changed, known));
            return new SnapReport(layout, all.size());
        } finally {
            all.close();
        }
    }

    /** Returns the samples of what none of the deltas changes: the base has it too, as far as it reaches. */
    private List<Trailer.Sample> unchanged(final ExceptionList changed, final long baseBytes) throws IOException {
        final List<Trailer.Sample> all = samples.stream()
                .flatMap(List::stream)
                .filter(sample -> sample.offset() + sample.length() <= baseBytes)
                .distinct()
                .sorted(Comparator.comparingLong(Trailer.Sample::offset))
                .toList();
        final List<Trailer.Sample> kept = new ArrayList<>();
        try (Pairs pairs = changed.sorted()) {
            boolean more = pairs.next();
            for (final Trailer.Sample sample : all) {
                while (more && (pairs.oldChunk() + 1) * layout.chunkBytes() <= sample.offset()) {
                    more = pairs.next();
                }
                final boolean hit = more && pairs.oldChunk() * layout.chunkBytes() < sample.offset() + sample.length();
                if (!hit && kept.size() < Trailer.MAX_SAMPLES) {
                    kept.add(sample);
                }
            }
        }
        return kept;
    }

    private void requireChain() throws ReplicationException {
        for (int i = 1; i < stores.size(); i++) {
            final @Nullable Marker before = stores.get(i - 1).header().marker();
            final @Nullable Marker after = stores.get(i).header().marker();
            if (before != null
                    && after != null
                    && !before.generation().isEmpty()
                    && !after.base().isEmpty()
                    && !before.generation().equals(after.base())) {
                throw ReplicationException.misuse(stores.get(i).where() + ": changes generation " + after.base()
                        + ", the delta before it leads to " + before.generation()
                        + ": give them oldest first, without a gap");
            }
        }
    }

    /** Merges two ascending lists; data is addressed as if the stores lay one behind the other. */
    private ExceptionList overlay(
            final ExceptionList older, final StoreReader store, final long base, final long end, final boolean lenient)
            throws IOException {
        final ExceptionList result = new ExceptionList();
        try (older;
                ExceptionList newer = store.exceptions(lenient);
                Pairs a = older.inOrder();
                Pairs b = newer.sorted()) {
            final long chunk = layout.chunkBytes();
            final long ratio = store.layout().chunkBytes() / chunk;
            boolean moreA = a.next();
            while (b.next()) {
                for (long part = 0; part < ratio; part++) {
                    final long old = b.oldChunk() * ratio + part;
                    while (moreA && a.oldChunk() < old) {
                        result.entry(a.oldChunk(), a.newChunk());
                        moreA = a.next();
                    }
                    if (moreA && a.oldChunk() == old) {
                        moreA = a.next();
                    }
                    if (old * chunk < end) {
                        result.entry(old, base + b.newChunk() * store.layout().chunkBytes() + part * chunk);
                    }
                }
            }
            while (moreA) {
                if (a.oldChunk() * chunk < end) {
                    result.entry(a.oldChunk(), a.newChunk());
                }
                moreA = a.next();
            }
            return result;
        }
    }

    private ChunkData data() {
        return new ChunkData() {
            @Override
            public long address(final long oldChunk, final long newChunk) {
                return newChunk;
            }

            @Override
            public void read(final long address, final ByteBuffer into) throws IOException {
                long at = address;
                for (final StoreReader store : stores) {
                    if (at < store.bytes()) {
                        store.readBytes(at, into);
                        return;
                    }
                    at -= store.bytes();
                }
            }
        };
    }
}
