package io.replicate.core.spi;

/**
 * The shape of a source or sink.
 *
 * @param sizeBytes of the whole volume, or {@link Unit#UNKNOWN} (a stream, a store).
 * @param minIoBytes the alignment that offsets and lengths must keep, a power of two; 1 when there is none. The last
 *     bytes of a volume whose size is no multiple may be read and written by their true length.
 * @param preferredIoBytes the length that performs best.
 * @param maxIoBytes the largest length of one read or write.
 * @param sequential whether units must be read or written in plan order, by one thread (stdin, a pipe).
 * @param device whether this is a block device (its size cannot change).
 */
public record Geometry(
        long sizeBytes, int minIoBytes, int preferredIoBytes, int maxIoBytes, boolean sequential, boolean device) {

    public Geometry {
        if (sizeBytes < Unit.UNKNOWN) {
            throw new IllegalArgumentException("size " + sizeBytes);
        }
        if (Integer.bitCount(minIoBytes) != 1) {
            throw new IllegalArgumentException("minimum I/O of " + minIoBytes + " bytes is no power of two");
        }
        if (preferredIoBytes < minIoBytes || maxIoBytes < preferredIoBytes) {
            throw new IllegalArgumentException(
                    "I/O sizes min=" + minIoBytes + " preferred=" + preferredIoBytes + " max=" + maxIoBytes);
        }
    }

    /** Returns the geometry of a random-access volume of bytes without alignment. */
    public static Geometry bytes(final long sizeBytes) {
        return new Geometry(sizeBytes, 1, 1 << 20, 64 << 20, false, false);
    }

    /** Returns the geometry of a stream whose end is found by reading. */
    public static Geometry stream() {
        return new Geometry(Unit.UNKNOWN, 1, 1 << 20, 64 << 20, true, false);
    }

    /** Returns whether the size is known. */
    public boolean sized() {
        return sizeBytes != Unit.UNKNOWN;
    }
}
