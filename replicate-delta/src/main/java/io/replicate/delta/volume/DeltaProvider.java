package io.replicate.delta.volume;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import io.replicate.delta.Images;
import io.replicate.delta.StatePlace;
import io.replicate.delta.apply.CommittedSpool;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes {@code delta:TARGET?cow=FILE}, the target with a store over it, and {@code delta:TARGET}, the target with what
 * was committed for it and may still be on its way; {@code state=DIR} says where its state is. Read-only.
 */
public final class DeltaProvider implements Provider {
    private static final String COW = "cow";
    private static final String STATE = "state";

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public DeltaProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("delta");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        return Optional.of(open(locator));
    }

    @Override
    public Optional<Volume> volume(final Locator locator) throws IOException {
        return Optional.of(open(locator));
    }

    private static Volume open(final Locator locator) throws IOException {
        locator.allowOnly(COW, STATE);
        if (locator.rest().isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': the target is missing");
        }
        final Locator target = Locator.parse(locator.rest());
        final List<AutoCloseable> owned = new ArrayList<>();
        try {
            final Images.Opened base = Images.source(target);
            owned.add(base);
            final @Nullable String cow = locator.parameters().get(COW);
            final StoreReader store;
            if (cow != null) {
                final Images.Opened file = Images.source(Locator.parse(cow));
                owned.add(file);
                store = StoreReader.open(file, cow);
            } else {
                final @Nullable String state = locator.parameters().get(STATE);
                final CommittedSpool spool =
                        CommittedSpool.open(StatePlace.of(target, state == null ? null : Path.of(state)));
                owned.add(spool);
                store = StoreReader.open(spool, "spool");
            }
            try (ExceptionList exceptions = store.exceptions(false)) {
                requireRoom(base.size(), store.header());
                return new OverlayVolume(base, store, exceptions, base.size(), owned);
            }
        } catch (final IOException | RuntimeException e) {
            closeAfter(owned, e);
            throw e;
        }
    }

    private static void closeAfter(final List<AutoCloseable> owned, final Exception failure) {
        for (final AutoCloseable resource : owned) {
            try {
                resource.close();
            } catch (final Exception e) {
                failure.addSuppressed(e);
            }
        }
    }

    private static void requireRoom(final long baseBytes, final HeaderChunk header) throws ReplicationException {
        final @Nullable Marker marker = header.marker();
        if (marker != null && marker.imageBytes() > baseBytes) {
            throw ReplicationException.misuse(
                    "the delta is of an image of " + marker.imageBytes() + " bytes, the base has only " + baseBytes);
        }
    }
}
