package io.replicate.cas.index;

import io.replicate.core.spi.Digest;
import org.jspecify.annotations.Nullable;

/**
 * Walks two sealed tables together, in hash order, and says of each digest which side has it. Compares by hash alone.
 * Used by one thread; needs no memory of its own.
 */
public final class DigestDiff {

    /** Which side has a digest. */
    public enum Side {
        SOURCE_ONLY,
        DESTINATION_ONLY,
        BOTH
    }

    private final Digest.Algorithm algorithm;
    private final DigestTable.Cursor source;
    private final DigestTable.Cursor destination;
    private boolean sourceHas;
    private boolean destinationHas;
    private @Nullable Side side;

    /**
     * Creates a walk over both.
     *
     * @throws IllegalArgumentException when the sides name content by different hash functions.
     */
    public DigestDiff(final DigestTable source, final DigestTable destination) {
        if (source.algorithm() != destination.algorithm()) {
            throw new IllegalArgumentException(
                    "cannot compare " + source.algorithm() + " with " + destination.algorithm());
        }
        this.algorithm = source.algorithm();
        this.source = source.cursor();
        this.destination = destination.cursor();
        sourceHas = this.source.next();
        destinationHas = this.destination.next();
    }

    /** Returns the hash function of both sides. */
    public Digest.Algorithm algorithm() {
        return algorithm;
    }

    /** Moves to the next digest of either side and returns who has it, or null behind the last. */
    public @Nullable Side next() {
        if (side == Side.SOURCE_ONLY || side == Side.BOTH) {
            sourceHas = source.next();
        }
        if (side == Side.DESTINATION_ONLY || side == Side.BOTH) {
            destinationHas = destination.next();
        }
        side = compare();
        return side;
    }

    private @Nullable Side compare() {
        if (!sourceHas || !destinationHas) {
            return sourceHas ? Side.SOURCE_ONLY : destinationHas ? Side.DESTINATION_ONLY : null;
        }
        final int order = source.compareTo(destination);
        return order < 0 ? Side.SOURCE_ONLY : order > 0 ? Side.DESTINATION_ONLY : Side.BOTH;
    }

    /** Returns the cursor of the source; on the digest unless only the destination has it. */
    public DigestTable.Cursor source() {
        return source;
    }

    /** Returns the cursor of the destination; on the digest unless only the source has it. */
    public DigestTable.Cursor destination() {
        return destination;
    }

    /** Returns the digest, with the source's size when the source has it. */
    public Digest digest() {
        return side == Side.DESTINATION_ONLY ? destination.digest() : source.digest();
    }
}
