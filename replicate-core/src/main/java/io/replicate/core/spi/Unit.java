package io.replicate.core.spi;

/** What a plan lists and a pipe carries: a place in a volume ({@link Extent}) or a content ({@link Digest}). */
public sealed interface Unit permits Extent, Digest {

    /** A size or a count that is not known. */
    long UNKNOWN = -1;

    /** Returns the length of the unit in bytes, or {@link #UNKNOWN}. */
    long lengthBytes();
}
