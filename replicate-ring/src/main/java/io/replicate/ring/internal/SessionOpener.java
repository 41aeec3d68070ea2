package io.replicate.ring.internal;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Unit;
import io.replicate.ring.internal.ControlMessage.Offer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the target that an offer names, with what an earlier run of the same copy left. Thread-safe. */
final class SessionOpener implements NodeRun.Opener {
    private final NodeSettings settings;

    SessionOpener(final NodeSettings settings) {
        this.settings = settings;
    }

    @Override
    @SuppressWarnings("unchecked") // a locator of a volume has a sink of extents; a store of digests is refused
    public NodeSession open(final Offer offer, final StoredDigest.Watch rereading) throws IOException {
        final Locator target = Locator.parse(offer.target());
        final Sink<Extent> opened = (Sink<Extent>) Providers.sink(target);
        try {
            final NodeProgress progress = new NodeProgress(
                    offer.sizeBytes() == Unit.UNKNOWN ? null : checkpoint(target),
                    JobId.of("ring", offer.target()),
                    offer.image(),
                    settings.checkpointInterval());
            return new NodeSession(offer, settings, opened, progress, rereading);
        } catch (final IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private @Nullable Checkpoint checkpoint(final Locator target) throws IOException {
        if (!settings.resumable() || !"file".equals(target.scheme())) {
            return null;
        }
        final Path path = Path.of(target.rest()).toAbsolutePath();
        final @Nullable Path parent = path.getParent();
        final boolean device = Files.exists(path) && !Files.isRegularFile(path);
        if (parent != null && !device && !Files.isDirectory(parent)) {
            throw ReplicationException.misuse(path + ": the directory " + parent + " does not exist; make it first");
        }
        if (device || parent == null) {
            Files.createDirectories(settings.stateDir());
            final String name = "ring-" + JobId.of(path.toString()).value() + ".checkpoint";
            return Providers.checkpoint(
                    Locator.file(settings.stateDir().resolve(name).toString()));
        }
        return Providers.checkpoint(
                Locator.file(parent.resolve("." + path.getFileName() + ".ring").toString()));
    }
}
