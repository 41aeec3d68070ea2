package io.replicate.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a connection as a blocking stream, for the handshake: question, answer, question. One thread reads and
 * writes; the event loop feeds.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class HandshakeStream extends ChannelInboundHandlerAdapter {
    private static final int MAX_BUFFERED = 1 << 20;

    private final Channel channel;
    private final String peer;
    private final long deadlineNs;
    private final ByteBuf received; // guarded by this
    private boolean released; // guarded by this
    private boolean ended; // guarded by this
    private @Nullable Throwable failure; // guarded by this

    HandshakeStream(Channel channel, String peer, Duration timeout) {
        this.channel = channel;
        this.peer = peer;
        this.deadlineNs = System.nanoTime() + timeout.toNanos();
        this.received = channel.alloc().buffer();
    }

    @Override
    public synchronized void channelRead(ChannelHandlerContext ctx, Object message) {
        final ByteBuf in = (ByteBuf) message;
        if (!released && received.readableBytes() + in.readableBytes() <= MAX_BUFFERED) {
            received.discardSomeReadBytes();
            received.writeBytes(in);
        } else {
            failure = new IOException("the server sends more than a handshake has");
        }
        in.release();
        notifyAll();
    }

    @Override
    public synchronized void channelInactive(ChannelHandlerContext ctx) {
        ended = true;
        notifyAll();
    }

    @Override
    public synchronized void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        failure = cause;
        notifyAll();
    }

    /** Waits for {@code bytes} bytes and returns them, released by the caller. */
    synchronized ByteBuf read(int bytes) throws IOException {
        while (received.readableBytes() < bytes) {
            if (failure != null) {
                throw ReplicationException.retry(peer + ": " + failure.getMessage(), failure);
            }
            if (ended) {
                throw ReplicationException.retry(peer + ": the server closed the connection in the handshake", null);
            }
            final long leftMs = (deadlineNs - System.nanoTime()) / 1_000_000;
            if (leftMs <= 0) {
                throw ReplicationException.retry(peer + ": the server did not answer in the handshake", null);
            }
            try {
                wait(leftMs);
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ReplicationException(
                        ReplicationException.Category.CANCELLED, peer + ": interrupted in the handshake", e);
            }
        }
        return received.readBytes(bytes);
    }

    long readLong() throws IOException {
        final ByteBuf b = read(Long.BYTES);
        try {
            return b.readLong();
        } finally {
            b.release();
        }
    }

    int readInt() throws IOException {
        final ByteBuf b = read(Integer.BYTES);
        try {
            return b.readInt();
        } finally {
            b.release();
        }
    }

    int readShort() throws IOException {
        final ByteBuf b = read(Short.BYTES);
        try {
            return b.readUnsignedShort();
        } finally {
            b.release();
        }
    }

    ByteBuf buffer() {
        return channel.alloc().buffer();
    }

    void write(ByteBuf bytes) {
        channel.writeAndFlush(bytes, channel.voidPromise());
    }

    /** Returns whether bytes came that nobody asked for. */
    synchronized boolean hasMore() {
        return received.isReadable();
    }

    /** Ends the blocking phase. Called when nothing more is expected; returns what came nevertheless. */
    synchronized ByteBuf finish() {
        final ByteBuf left = received.readBytes(received.readableBytes());
        discard();
        return left;
    }

    synchronized void discard() {
        if (!released) {
            released = true;
            received.release();
        }
    }
}
