package io.replicate.core.spi;

/**
 * What a store says it has of a content.
 *
 * @param copies how many replicas, 0 when there is none.
 * @param sizeBytes as stored, or {@link Unit#UNKNOWN}.
 */
public record Presence(int copies, long sizeBytes) {
    /** Nothing. */
    public static final Presence ABSENT = new Presence(0, Unit.UNKNOWN);
}
