package io.replicate.ring.dolly;

import java.io.IOException;

/**
 * A client of a dolly ring: waits for a server or for another client, stores the stream and passes it on. It speaks
 * whatever dialect its parent does. One copy.
 */
public final class DollyClient implements AutoCloseable {
    private final DollyOptions options;
    private final Sockets sockets;
    private final Door door;
    private volatile boolean closed;
    private volatile Runnable onClose = () -> {};

    private DollyClient(final DollyOptions options, final Sockets sockets, final Door door) {
        this.options = options;
        this.sockets = sockets;
        this.door = door;
    }

    /** Binds both ports. */
    public static DollyClient open(final DollyOptions options) throws IOException {
        final Sockets sockets = new Sockets(options);
        return new DollyClient(options, sockets, new Door(options, sockets));
    }

    /**
     * Takes part in one run.
     *
     * @return what was stored here, and what is known of those behind this node.
     * @throws io.replicate.core.spi.ReplicationException when there is no copy here; nothing is left under its name.
     */
    public DollyReport run() throws IOException {
        options.listener().verbose("Trying to build ring...");
        options.listener().verbose("Accepting...control...");
        final Admission admission = door.admit(options.waitForServer());
        final ClientRun run = new ClientRun(admission, door, sockets, options);
        onClose = run::stop;
        if (closed) {
            run.stop();
        }
        return run.run();
    }

    /** Returns the port of control connections, as bound. */
    public int controlPort() {
        return door.controlPort();
    }

    /** Returns the port of data connections, as bound. */
    public int dataPort() {
        return door.dataPort();
    }

    /** Ends a run that is under way, soon. Any thread. */
    @Override
    public void close() throws IOException {
        closed = true;
        onClose.run();
        try (sockets) {
            door.close();
        }
    }
}
