package io.replicate.delta;

import io.replicate.core.job.Job;
import io.replicate.core.job.Replication;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.NativeStateDirectory;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.tree.TreeCompanion;
import io.replicate.delta.tree.TreeOnTheWay;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The first sync of a target: a copy of the whole source, with the hash tree made of what is read for it. Used by one
 * thread.
 */
public final class FullCopy {
    private static final String MADE = "tree.new";

    private final Locator target;
    private final @Nullable Path state;
    private final boolean force;

    /**
     * Creates a copy to a target.
     *
     * @param state parent directory of the state, or null for the default place.
     * @param force whether a device or file that the system uses is changed nevertheless.
     */
    public FullCopy(final Locator target, final @Nullable Path state, final boolean force) {
        this.target = target;
        this.state = state;
        this.force = force;
    }

    /**
     * Copies, and returns the size of the image in bytes.
     *
     * @param generation that the source is, or empty.
     * @param rateBytesPerSecond the most that is read; {@link io.replicate.core.job.Throttle#UNLIMITED} for no bound.
     */
    public long run(final Locator source, final String generation, final long rateBytesPerSecond) throws IOException {
        final long imageBytes = sizeOf(source);
        final boolean marked = markTorn(generation);
        try (NativeStateDirectory directory = NativeStateDirectory.open(StatePlace.of(target, state));
                StateFile file = directory.create(MADE)) {
            final TreeOnTheWay read = new TreeOnTheWay(open(source), file);
            copy(read, rateBytesPerSecond);
            try (Images.Opened copied = Images.source(target)) {
                read.complete(copied, generation);
            }
        } catch (final ReplicationException e) {
            if (marked && e.category() == ReplicationException.Category.MISUSE) {
                unmark(); // refused before the first byte
            }
            throw e;
        }
        try (DeltaTarget done = Targets.open(target, state, force)) {
            done.replaced(generation, imageBytes);
            done.directory().rename(MADE, TreeCompanion.NAME);
            done.directory().sync();
        }
        return imageBytes;
    }

    /**
     * Completes what was committed before, as it must not be replayed over the copy, and says that the target is a mixture
     * until the copy is done. Returns whether that was news.
     */
    private boolean markTorn(final String generation) throws IOException {
        if (!exists()) {
            return false;
        }
        try (DeltaTarget old = Targets.open(target, state, force)) {
            final boolean torn = old.torn();
            old.replacing(generation);
            return !torn;
        }
    }

    private void unmark() throws IOException {
        try (DeltaTarget old = Targets.open(target, state, force)) {
            old.notReplaced();
        }
    }

    private boolean exists() {
        return !"file".equals(target.scheme()) || Files.exists(Path.of(target.rest()));
    }

    private void copy(final Source<Extent> from, final long rateBytesPerSecond) throws IOException {
        try (Job job = Replication.from(from)
                .to(target)
                .force(force)
                .rateBytesPerSecond(rateBytesPerSecond)
                .start()) {
            job.await();
        }
    }

    private static long sizeOf(final Locator locator) throws IOException {
        try (Images.Opened image = Images.source(locator)) {
            return image.size();
        }
    }

    /** Opens the source; a device is read around the page cache, as by {@link Images#source}. */
    @SuppressWarnings("unchecked") // a store of digests has no size, which was refused before
    private static Source<Extent> open(final Locator locator) throws IOException {
        final boolean device = "file".equals(locator.scheme())
                && !Files.isRegularFile(Path.of(locator.rest()))
                && !locator.flag("direct");
        final Locator opened = device ? Locator.parse(locator.rest() + "?direct=true") : locator;
        return (Source<Extent>) Providers.source(opened);
    }
}
