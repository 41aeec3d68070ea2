package io.replicate.ring;

/** The stages of a node, as they are on the wire. */
public final class NodeStage {
    /** Accepted, nothing has come yet. */
    public static final int WAITING = 0;
    /** Frames come in. */
    public static final int RECEIVING = 1;
    /** The copy is proven and committed. */
    public static final int COMMITTED = 2;
    /** The copy has failed. */
    public static final int FAILED = 3;

    private NodeStage() {}
}
