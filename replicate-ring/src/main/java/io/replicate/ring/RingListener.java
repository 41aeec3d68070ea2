package io.replicate.ring;

/** Is told how a ring gets on; called by several threads, and must not block. */
public interface RingListener {
    /** Says nothing to anybody. */
    RingListener SILENT = new RingListener() {};

    /** Something worth a line. */
    default void event(final String text) {}

    /** A node changed its state. */
    default void nodeChanged(final NodeReport node, final String why) {}
}
