package io.replicate.ring.dolly;

/** Is told what happens, in the words of dolly's {@code -v}. Called by several threads, one at a time. */
public interface DollyListener {
    /** Keeps quiet. */
    DollyListener SILENT = new DollyListener() {};

    /** A line of dolly's verbose output. */
    default void verbose(final String line) {}

    /** Something that the operator should know without asking. */
    default void warning(final String line) {}

    /**
     * Bytes have moved.
     *
     * @param sending whether this is the server.
     * @param bytes since the beginning.
     */
    default void moved(final boolean sending, final long bytes) {}
}
