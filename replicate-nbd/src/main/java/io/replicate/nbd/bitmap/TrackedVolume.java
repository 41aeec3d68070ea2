package io.replicate.nbd.bitmap;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A volume that remembers in named bitmaps what was written, zeroed and trimmed through it. The selection
 * {@link Selection.Bitmap} lists what one of them marks. Closes the volume that it stands before.
 */
public final class TrackedVolume implements Volume {
    private static final DirtyBitmap[] NONE = {};

    private final Volume volume;
    private volatile DirtyBitmap[] bitmaps = NONE;

    /** Stands before {@code volume}. */
    public TrackedVolume(Volume volume) {
        this.volume = volume;
    }

    /** Returns {@code volume} itself where it already tracks, else one that stands before it. */
    public static TrackedVolume of(Volume volume) {
        return volume instanceof TrackedVolume tracked ? tracked : new TrackedVolume(volume);
    }

    /**
     * Begins a bitmap with everything clean.
     *
     * @param name without white space, at most 255 characters.
     * @param granularity of its chunks in bytes, a power of two.
     * @throws ReplicationException MISUSE when the name is taken or is none, or the granularity is none.
     */
    public synchronized DirtyBitmap add(String name, int granularity) throws ReplicationException {
        if (!name.matches("[\\p{Graph}&&[^\\\\\"]]{1,255}")) {
            throw ReplicationException.misuse("bitmap name '" + name + "': 1 to 255 printable characters, no spaces");
        }
        if (find(name).isPresent()) {
            throw ReplicationException.misuse("bitmap '" + name + "' exists already");
        }
        final DirtyBitmap bitmap;
        try {
            bitmap = new DirtyBitmap(name, geometry().sizeBytes(), granularity);
        } catch (final IllegalArgumentException e) {
            throw ReplicationException.misuse("bitmap '" + name + "': " + e.getMessage());
        }
        final List<DirtyBitmap> all = new ArrayList<>(List.of(bitmaps));
        all.add(bitmap);
        bitmaps = all.toArray(NONE);
        return bitmap;
    }

    /** Forgets a bitmap, and returns whether it was there. */
    public synchronized boolean remove(String name) {
        final List<DirtyBitmap> all = new ArrayList<>(List.of(bitmaps));
        final boolean found = all.removeIf(b -> b.name().equals(name));
        bitmaps = all.toArray(NONE);
        return found;
    }

    /** Returns the bitmaps, oldest first. */
    public List<DirtyBitmap> bitmaps() {
        return List.of(bitmaps);
    }

    /** Returns a bitmap. */
    public Optional<DirtyBitmap> find(String name) {
        for (final DirtyBitmap bitmap : bitmaps) {
            if (bitmap.name().equals(name)) {
                return Optional.of(bitmap);
            }
        }
        return Optional.empty();
    }

    private void mark(long offset, long length) {
        for (final DirtyBitmap bitmap : bitmaps) {
            bitmap.mark(offset, length);
        }
    }

    @Override
    public Geometry geometry() {
        return volume.geometry();
    }

    @Override
    public Plan<Extent> plan(Selection selection) throws IOException {
        if (selection instanceof Selection.Bitmap chosen) {
            final DirtyBitmap bitmap = find(chosen.name())
                    .orElseThrow(() -> ReplicationException.misuse("no bitmap '" + chosen.name() + "' is kept"));
            final List<Extent> dirty = bitmap.runs(0, geometry().sizeBytes(), Integer.MAX_VALUE).stream()
                    .filter(Extent::hasData)
                    .toList();
            return volume.plan(new Selection.Ranges(dirty));
        }
        return volume.plan(selection);
    }

    @Override
    public int read(Extent unit, Block into) throws IOException {
        return volume.read(unit, into);
    }

    @Override
    public Revision revision() throws IOException {
        return volume.revision();
    }

    @Override
    public boolean readOnly() {
        return volume.readOnly();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        volume.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from, Set<Flag> flags) throws IOException {
        final int length = from.remaining();
        try {
            volume.write(offset, from, flags);
        } finally {
            mark(offset, length); // also what failed: a part of it may have been written
        }
    }

    @Override
    public void zero(long offset, long length, Set<Flag> flags) throws IOException {
        try {
            volume.zero(offset, length, flags);
        } catch (final UnsupportedOperationException e) {
            throw e; // a refused fast zero has changed nothing
        } catch (final IOException | RuntimeException e) {
            mark(offset, length);
            throw e;
        }
        mark(offset, length);
    }

    @Override
    public void trim(long offset, long length, Set<Flag> flags) throws IOException {
        try {
            volume.trim(offset, length, flags);
        } finally {
            mark(offset, length);
        }
    }

    @Override
    public void flush() throws IOException {
        volume.flush();
    }

    @Override
    public void cache(long offset, long length) throws IOException {
        volume.cache(offset, length);
    }

    @Override
    public List<Extent> extents(long offset, long length, int limit) throws IOException {
        return volume.extents(offset, length, limit);
    }

    @Override
    public Optional<FileSlice> slice(long offset, long length) {
        return volume.slice(offset, length);
    }

    @Override
    public void close() throws IOException {
        volume.close();
    }
}
