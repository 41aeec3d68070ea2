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
    /** From here on the server waits until it was listened to. */
    private static final int MUCH = 256 << 10;

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
        if (!released) {
            received.discardSomeReadBytes();
            received.writeBytes(in);
            channel.config().setAutoRead(received.readableBytes() < MUCH);
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

    /** Waits until {@code bytes} bytes are there, and lets the server go on when few are left behind them. */
    private ByteBuf await(int bytes) throws IOException {
        while (received.readableBytes() < bytes || System.nanoTime() - deadlineNs >= 0) {
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
        if (!channel.config().isAutoRead() && received.readableBytes() - bytes < MUCH) {
            channel.config().setAutoRead(true);
        }
        return received;
    }

    /** Waits for {@code bytes} bytes and returns them, released by the caller. */
    synchronized ByteBuf read(int bytes) throws IOException {
        return await(bytes).readBytes(bytes);
    }

    synchronized long readLong() throws IOException {
        return await(Long.BYTES).readLong();
    }

    synchronized int readInt() throws IOException {
        return await(Integer.BYTES).readInt();
    }

    synchronized int readShort() throws IOException {
        return await(Short.BYTES).readUnsignedShort();
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
