package io.replicate.ring;

/** What the server knows of a node. */
public enum NodeState {
    /** Nobody answers yet. */
    CONNECTING,
    /** Has accepted, and waits for the ring to form. */
    READY,
    /** Receives. */
    ACTIVE,
    /** Has proven and committed its copy. */
    DONE,
    /** Fell silent or broke off; may come back. */
    LOST,
    /** Will not have a copy: refused, or its copy failed. */
    FAILED
}
