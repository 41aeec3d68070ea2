package io.replicate.ring;

/** Is told how a node gets on; called by several threads, and must not block. */
public interface NodeListener {
    /** Says nothing to anybody. */
    NodeListener SILENT = status -> {};

    /** A few times a second. */
    void progress(NodeStatus status);

    /** Once for each thing worth a line. */
    default void event(final String text) {}
}
