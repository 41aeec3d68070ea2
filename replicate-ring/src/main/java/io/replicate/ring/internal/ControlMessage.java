package io.replicate.ring.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the server and its nodes say to each other, and the first words on a data link. */
sealed interface ControlMessage {

    /** The version of the protocol that this code speaks. */
    int VERSION = 1;

    /** Server to node, first: what is coming. */
    record Offer(
            int version,
            String session,
            int node,
            String nodeName,
            long sizeBytes,
            long dataBytes,
            boolean fromDevice,
            boolean force,
            String target,
            String image,
            int verify,
            int frameBytes,
            int heartbeatMs,
            int deadAfterMs)
            implements ControlMessage {}

    /**
     * Node to server: ready.
     *
     * @param begunAt where its copy began: not 0 when it goes on with what an earlier process left.
     * @param position from which on it needs frames.
     * @param durable up to where its copy would survive a crash.
     */
    record Accept(int version, long begunAt, long position, long durable, String target) implements ControlMessage {}

    /** Node to server: will not take part. */
    record Refuse(boolean permanent, String reason) implements ControlMessage {}

    /** Server to node: whom to feed, from now on; replaces the former list. */
    record Children(int epoch, List<Child> children) implements ControlMessage {
        public Children {
            children = List.copyOf(children);
        }
    }

    /** One that is to be fed: addresses are locators, one per interface. */
    record Child(int node, String name, int streams, List<String> addresses) {
        public Child {
            addresses = List.copyOf(addresses);
        }
    }

    /** Node to server, several times a second; also the node's heartbeat. */
    record Status(int stage, long received, long written, long durable) implements ControlMessage {}

    /** Server to node, several times a second. */
    record Ping(long sequence) implements ControlMessage {}

    /**
     * Node to server: a child cannot be fed.
     *
     * @param gone whether the frames that it needs are no longer there: to try again is in vain.
     */
    record ChildLost(int node, boolean gone, String reason) implements ControlMessage {}

    /** Node to server: nothing comes from the parent. */
    record ParentSilent(int parent, String reason) implements ControlMessage {}

    /** Node to server: the end of its work. */
    record Result(
            boolean ok,
            long bytes,
            long dataBytes,
            String digest,
            boolean atomic,
            long failedAt,
            @Nullable String reason)
            implements ControlMessage {}

    /** Server to node: everybody is done, or all is given up. */
    record Done(boolean ok, String reason) implements ControlMessage {}

    /** Parent to child, first on a data link. */
    record DataHello(int version, String session, int epoch, int parent, int stream, int streams)
            implements ControlMessage {}

    /** Child to parent: where to begin. */
    record DataReady(long resumeFrom) implements ControlMessage {}
}
