package io.replicate.core.spi;

/**
 * A state of a volume, named by whoever can tell one state from another: a transaction id, a generation, a digest.
 *
 * @param id opaque, printable, without white space.
 */
public record Revision(String id) {
    /** The revision of what has none. */
    public static final Revision NONE = new Revision("-");

    @Override
    public String toString() {
        return id;
    }
}
