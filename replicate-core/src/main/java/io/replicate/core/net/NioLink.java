package io.replicate.core.net;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** A non-blocking channel with one selector per direction, which gives every wait an end. */
final class NioLink implements Link {
    private final SocketChannel channel;
    private final NioWait readable;
    private final NioWait writable;
    private final Peer peer;
    private volatile int timeoutMs = Deadline.toMs(Links.DEFAULT_TIMEOUT);

    NioLink(final SocketChannel channel, final Peer peer) throws IOException {
        this.channel = channel;
        this.peer = peer;
        this.readable = NioWait.on(channel, SelectionKey.OP_READ);
        this.writable = NioWait.on(channel, SelectionKey.OP_WRITE);
    }

    @Override
    public void timeout(final Duration idle) {
        timeoutMs = Deadline.toMs(idle);
    }

    private interface Transfer {
        long move() throws IOException;
    }

    /** Tries until something moves, and waits in between; -1 at the end of the stream. */
    private long move(final String what, final String nothing, final NioWait wait, final Transfer transfer)
            throws IOException {
        try {
            final Deadline deadline = Deadline.in(Duration.ofMillis(timeoutMs));
            while (true) {
                final long n = transfer.move();
                if (n != 0) {
                    return n;
                }
                if (!wait.await(deadline.leftMs()) && deadline.passed()) {
                    throw Links.idle(what, peer, nothing, timeoutMs);
                }
            }
        } catch (final ClosedChannelException | ClosedSelectorException e) {
            throw channel.isOpen()
                    ? ReplicationException.retry(what + " " + peer + ": the stream is ended", e)
                    : Links.closed(what, peer);
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw ReplicationException.retry(what + " " + peer + ": " + e.getMessage(), e);
        }
    }

    @Override
    public int receive(final ByteBuffer into) throws IOException {
        if (!into.hasRemaining()) {
            throw new IllegalArgumentException("receive into a full buffer");
        }
        return (int) move("receive from", "nothing came", readable, () -> channel.read(into));
    }

    @Override
    public void send(final ByteBuffer... buffers) throws IOException {
        for (int first = 0; first < buffers.length; first++) {
            while (buffers[first].hasRemaining()) {
                final int begin = first;
                move(
                        "send to",
                        "the peer took nothing",
                        writable,
                        () -> channel.write(buffers, begin, buffers.length - begin));
            }
        }
    }

    @Override
    public void send(final Block... blocks) throws IOException {
        Links.sendAsBuffers(this, blocks);
    }

    @Override
    public long sendFile(final FileSlice slice) throws IOException {
        return FileSender.copy(Posix.get(), this, slice);
    }

    @Override
    public void shutdownOutput() throws IOException {
        try {
            channel.shutdownOutput();
        } catch (final ClosedChannelException e) {
            throw Links.closed("end the stream to", peer);
        } catch (final IOException e) {
            throw ReplicationException.retry("end the stream to " + peer + ": " + e.getMessage(), e);
        }
    }

    @Override
    public Peer peer() {
        return peer;
    }

    @Override
    public void close() throws IOException {
        // The channel first: whoever wakes must see it closed.
        channel.close();
        readable.close();
        writable.close();
    }

    @Override
    public String toString() {
        return peer.toString();
    }
}
