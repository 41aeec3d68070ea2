package io.replicate.ring.internal;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.time.Duration;

/** What the parts of one side of a ring share: who we are, how to reach others, how long to wait, whom to tell. */
interface SessionContext {
    /** No hop uses more links. */
    int MAX_STREAMS = 16;

    /** The index of the server, which is no node. */
    int SERVER = -1;

    /** Returns our own index, {@link #SERVER} for the server. */
    int self();

    /** Returns the name of the session: fresh for each run of a server. */
    String session();

    /** Returns how data links are made. */
    Transport transport();

    /** Proves to a node that we belong to the session, and lets it prove the same. */
    void authenticateOut(Link link) throws IOException;

    /** Returns how often an idle side says that it lives. */
    Duration heartbeat();

    /** Returns after how long a silence a peer is dead. */
    Duration deadAfter();

    /** Returns how long a send may stand still: a child whose disk is busy does not read, and is not dead. */
    default Duration sendTimeout() {
        return Duration.ofSeconds(60);
    }

    /**
     * Tells the server that a child cannot be fed. Never throws.
     *
     * @param gone whether the frames that it needs are no longer there.
     */
    void childLost(int node, boolean gone, String reason);
}
