package io.replicate.delta.apply;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.SampleTaker;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.Trailer;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a delta belongs on a target: what can be known before the first byte is changed. */
final class BaseCheck {
    /** How the names begin of generations that were made up here, and that no delta can name. */
    static final String LOCAL = "local-";

    private final String targetGeneration;
    private final long targetBytes;
    private final boolean anyBase;

    /**
     * Creates a check.
     *
     * @param targetGeneration or empty when it is not known.
     * @param anyBase whether a wrong base is let through; a wrong size never is.
     */
    BaseCheck(final String targetGeneration, final long targetBytes, final boolean anyBase) {
        this.targetGeneration = targetGeneration;
        this.targetBytes = targetBytes;
        this.anyBase = anyBase;
    }

    /** Checks what the header says; MISUSE when the delta does not belong here. */
    void header(final HeaderChunk header) throws ReplicationException {
        final @Nullable Marker marker = header.marker();
        if (marker == null) {
            return;
        }
        if (marker.imageBytes() > targetBytes) {
            throw ReplicationException.misuse("the delta is of an image of " + marker.imageBytes()
                    + " bytes, the target has only " + targetBytes + ": make it larger first");
        }
        if (!anyBase
                && !isApplied(marker)
                && !marker.base().isEmpty()
                && !targetGeneration.isEmpty()
                && (!targetGeneration.startsWith(LOCAL) || marker.base().startsWith(LOCAL))
                && !marker.base().equals(targetGeneration)) {
            throw ReplicationException.misuse("the delta changes generation " + marker.base()
                    + ", the target is at generation " + targetGeneration
                    + ": apply the deltas in between first, or do a full sync or a repair");
        }
    }

    /** Returns whether the target is at the generation that a delta leads to: to merge it again changes nothing. */
    boolean isApplied(final @Nullable Marker marker) {
        return !anyBase
                && marker != null
                && !marker.generation().isEmpty()
                && marker.generation().equals(targetGeneration)
                && !marker.base().equals(marker.generation());
    }

    /** Returns the size of the image that a delta is of: what its marker says, else the whole target. */
    long imageBytes(final HeaderChunk header) {
        final @Nullable Marker marker = header.marker();
        return marker == null ? targetBytes : marker.imageBytes();
    }

    /** Checks that every change lies in the image; only the last chunk may reach over its end. */
    void places(final ExceptionList exceptions, final SnapLayout layout, final long imageBytes)
            throws ReplicationException {
        final long last = exceptions.maxOldChunk();
        if (last * layout.chunkBytes() >= imageBytes) {
            throw ReplicationException.misuse("the delta changes offset " + last * layout.chunkBytes()
                    + ", the target ends at " + imageBytes
                    + ": it is smaller than the source, or the delta is of another image");
        }
    }

    /** Checks that what the delta leaves as it is, is as it was at the source. */
    void samples(final List<Trailer.Sample> samples, final TargetImage target) throws IOException {
        if (anyBase) {
            return;
        }
        for (final Trailer.Sample sample : samples) {
            if (sample.offset() > targetBytes - sample.length()
                    || SampleTaker.hash(target, sample.offset(), sample.length()) != sample.hash()) {
                throw ReplicationException.misuse("the target is not the base of this delta: it differs at offset "
                        + sample.offset() + " length " + sample.length()
                        + ", which the delta does not change; verify and repair it against the source");
            }
        }
    }

    /**
     * Returns what the user should know: what could not be checked.
     *
     * @param sampled whether the delta came with samples of what it leaves as it is.
     */
    List<String> notes(final HeaderChunk header, final boolean sampled) {
        final @Nullable Marker marker = header.marker();
        if (marker == null) {
            return List.of("a bare stream: its structure and the size of the target were checked; its content and its"
                    + " base could not be");
        }
        if (marker.base().isEmpty() || targetGeneration.isEmpty()) {
            return List.of((sampled ? "the base was checked by samples only: " : "the base could not be checked: ")
                    + (marker.base().isEmpty() ? "the delta names none" : "the target's generation is not known"));
        }
        return List.of();
    }
}
