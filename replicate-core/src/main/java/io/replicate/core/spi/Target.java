package io.replicate.core.spi;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a sink is told before the first byte.
 *
 * @param sizeBytes that the volume will have, or {@link Unit#UNKNOWN}.
 * @param dataBytes how much of it will be written as data, or {@link Unit#UNKNOWN}: the space to have ready.
 * @param fromDevice whether the source is a block device.
 * @param base the revision that the target must be at, or null when it does not matter.
 * @param copies how many replicas of each unit are wanted, at least 1.
 * @param resumeKey names the half-made target of an earlier session that this one goes on with; null for a session that
 *     nobody will resume. Letters and digits only.
 * @param force whether a mounted target, and a device over a file or a file over a device, are allowed.
 * @param source the file or device that is copied, see {@link Source#storage()}; null when there is none here. A target
 *     that is the same, or that it lies in, is refused, with force too; a new file takes its mode from there.
 */
public record Target(
        long sizeBytes,
        long dataBytes,
        boolean fromDevice,
        @Nullable Revision base,
        int copies,
        @Nullable String resumeKey,
        boolean force,
        @Nullable Path source) {

    /** As the full one, for a source that is no file or device of this machine. */
    public Target(
            final long sizeBytes,
            final long dataBytes,
            final boolean fromDevice,
            final @Nullable Revision base,
            final int copies,
            final @Nullable String resumeKey,
            final boolean force) {
        this(sizeBytes, dataBytes, fromDevice, base, copies, resumeKey, force, null);
    }

    public Target {
        if (sizeBytes < Unit.UNKNOWN || dataBytes < Unit.UNKNOWN || copies < 1) {
            throw new IllegalArgumentException("target size=" + sizeBytes + " data=" + dataBytes + " copies=" + copies);
        }
        if (resumeKey != null && !resumeKey.matches("[A-Za-z0-9]{1,64}")) {
            throw new IllegalArgumentException("resume key " + resumeKey);
        }
    }

    /** Returns the target of a plain full copy of {@code sizeBytes}. */
    public static Target ofSize(final long sizeBytes) {
        return new Target(sizeBytes, Unit.UNKNOWN, false, null, 1, null, false);
    }

    /** Returns this target with a resume key. */
    public Target resumable(final String key) {
        return new Target(sizeBytes, dataBytes, fromDevice, base, copies, key, force, source);
    }

    /** Returns this target with force. */
    public Target forced() {
        return new Target(sizeBytes, dataBytes, fromDevice, base, copies, resumeKey, true, source);
    }

    /** Returns this target with the file or device that is copied. */
    public Target of(final Path storage) {
        return new Target(sizeBytes, dataBytes, fromDevice, base, copies, resumeKey, force, storage);
    }
}
