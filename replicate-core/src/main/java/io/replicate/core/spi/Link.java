package io.replicate.core.spi;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Fd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/**
 * A two-way, ordered, reliable byte stream. One thread sends while another receives; {@link #close()} is called by any
 * thread and ends both. Every wait ends after the {@link #timeout(Duration)} with a RETRY {@link ReplicationException}.
 */
public interface Link extends AutoCloseable {

    /** Sets how long a send or a receive may stand still, from now on. The default is 30 seconds. */
    void timeout(Duration idle);

    /** Sends all bytes of the blocks and releases the blocks, also when it throws. */
    void send(Block... blocks) throws IOException;

    /** Sends all remaining bytes of the buffers, in order. */
    void send(ByteBuffer... buffers) throws IOException;

    /** Receives at least one byte into {@code into}, and returns how many; -1 when the peer has ended its stream. */
    int receive(ByteBuffer into) throws IOException;

    /** Sends a file range, by sendfile where that works, and returns its length. */
    long sendFile(FileSlice slice) throws IOException;

    /**
     * Sends all remaining bytes of a head, such as that of a frame, and then a file range, whose length is returned. A
     * socket puts both into one packet.
     */
    default long sendFile(final ByteBuffer head, final FileSlice slice) throws IOException {
        send(head);
        return sendFile(slice);
    }

    /**
     * Returns the descriptor of a plain stream socket, for splice and tee; empty where bytes are transformed. It is
     * non-blocking. Whoever uses its number holds it ({@link Fd#acquire()}) meanwhile: a {@link #close()} by another
     * thread then ends the stream at once, and the number stays out of use until it is let go.
     */
    default Optional<Fd> fd() {
        return Optional.empty();
    }

    /** Ends the sending side; the peer receives -1. */
    void shutdownOutput() throws IOException;

    /** Returns who is on the other side. */
    Peer peer();

    @Override
    void close() throws IOException;
}
