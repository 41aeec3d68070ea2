package io.replicate.core.spi;

import java.io.IOException;
import java.time.Duration;

/** How two machines are joined. Safe for concurrent use. */
public interface Transport extends AutoCloseable {

    /**
     * Connects to a peer.
     *
     * @throws ReplicationException RETRY when the peer does not answer within {@code timeout} or refuses, FAIL_JOB when
     *     it proves to be a stranger.
     */
    Link connect(Locator peer, Duration timeout) throws IOException;

    /** Listens at a local address (port 0: any free one). */
    Listener listen(Locator local) throws IOException;

    @Override
    default void close() throws IOException {}
}
