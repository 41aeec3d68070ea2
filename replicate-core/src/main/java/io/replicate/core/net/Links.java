package io.replicate.core.net;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;

/** What every protocol over a {@link Link} needs. Stateless. */
public final class Links {
    /** How long a link may stand still unless somebody says otherwise. */
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

    private Links() {}

    /**
     * Receives until {@code into} is full.
     *
     * @return whether it is full; false when the peer had ended its stream before the first byte.
     * @throws ReplicationException RETRY when the stream ends in the middle.
     */
    public static boolean receiveFully(final Link link, final ByteBuffer into) throws IOException {
        final int begin = into.position();
        while (into.hasRemaining()) {
            if (link.receive(into) < 0) {
                if (into.position() == begin) {
                    return false;
                }
                throw ReplicationException.retry(
                        "receive from " + link.peer() + ": the stream ended after " + (into.position() - begin)
                                + " bytes of " + (into.limit() - begin),
                        new EOFException());
            }
        }
        return true;
    }

    /**
     * Receives a header into {@code header} and proves it.
     *
     * @return false when the peer had ended its stream before the header.
     * @throws ReplicationException CORRUPT when it is not a header, or the payload is longer than allowed.
     */
    public static boolean receiveHeader(final Link link, final FrameHeader header, final int maxPayloadBytes)
            throws IOException {
        if (!receiveFully(link, header.bytes())) {
            return false;
        }
        header.verify(maxPayloadBytes);
        return true;
    }

    /**
     * Receives the payload that {@code header} announces to the beginning of {@code into} and sets the block's length.
     * The payload's CRC is the caller's to check.
     */
    public static void receivePayload(final Link link, final FrameHeader header, final Block into) throws IOException {
        final ByteBuffer space = into.space().limit(header.payloadLength());
        if (space.hasRemaining() && !receiveFully(link, space)) {
            throw ReplicationException.retry(
                    "receive from " + link.peer() + ": the stream ended before a payload of " + header.payloadLength()
                            + " bytes",
                    new EOFException());
        }
        into.length(header.payloadLength());
    }

    /** Seals {@code header} and sends it with its payload in one call. Releases the block, also when it throws. */
    public static void send(final Link link, final FrameHeader header, final Block payload) throws IOException {
        try {
            link.send(header.seal(), payload.bytes());
        } finally {
            payload.release();
        }
    }

    /** Sends blocks for links that know buffers only. Releases the blocks, also when it throws. */
    static void sendAsBuffers(final Link link, final Block... blocks) throws IOException {
        try {
            final ByteBuffer[] buffers = new ByteBuffer[blocks.length];
            for (int i = 0; i < blocks.length; i++) {
                buffers[i] = blocks[i].bytes();
            }
            link.send(buffers);
        } finally {
            for (final Block block : blocks) {
                block.release();
            }
        }
    }

    static ReplicationException closed(final String what, final Peer peer) {
        return new ReplicationException(Category.CANCELLED, what + " " + peer + ": the link was closed on this side");
    }

    /** Returns whether a wait on a link has ended without anything happening: the link itself is as before. */
    public static boolean isTimeout(final IOException failure) {
        return failure.getCause() instanceof SocketTimeoutException;
    }

    static ReplicationException idle(final String what, final Peer peer, final String nothing, final long waitMs) {
        return ReplicationException.retry(
                what + " " + peer + ": " + nothing + " for " + waitMs + " ms", new SocketTimeoutException());
    }
}
