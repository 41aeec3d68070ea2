package io.replicate.delta;

import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.Cloner;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.NativeStateDirectory;
import io.replicate.delta.apply.TargetImage;
import io.replicate.delta.tree.TreeCompanion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens targets with their state. */
public final class Targets {

    private Targets() {}

    /**
     * Opens a target, and completes what an earlier merge had committed.
     *
     * @param state parent directory of the state, or null for the default place.
     * @param force whether a device or file that the system uses is changed nevertheless.
     */
    public static DeltaTarget open(final Locator locator, final @Nullable Path state, final boolean force)
            throws IOException {
        final TargetImage image = Images.target(locator, force);
        try {
            final NativeStateDirectory directory = NativeStateDirectory.open(StatePlace.of(locator, state));
            try {
                return DeltaTarget.open(image, directory, new TreeCompanion(directory), cloner(locator, directory));
            } catch (final IOException | RuntimeException e) {
                try (directory) {
                    throw e;
                }
            }
        } catch (final IOException | RuntimeException e) {
            try (image) {
                throw e;
            }
        }
    }

    private static Cloner cloner(final Locator locator, final NativeStateDirectory directory) throws IOException {
        final boolean file = "file".equals(locator.scheme()) && Files.isRegularFile(Path.of(locator.rest()));
        return file ? new ReflinkCloner(Path.of(locator.rest()).toRealPath(), directory.path()) : Cloner.NONE;
    }
}
