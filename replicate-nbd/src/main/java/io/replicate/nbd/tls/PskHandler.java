package io.replicate.nbd.tls;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.bouncycastle.tls.TlsProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts one connection. Bouncy Castle is given bytes and asked for bytes, and never waits for any; nothing may be
 * written before {@link #handshakeFuture()}. Used by the channel's event loop only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
public final class PskHandler extends ChannelDuplexHandler {
    /** So much is encrypted at a time: several records of 16 KiB. */
    private static final int PIECE = 128 << 10;

    /** Begins the handshake. */
    interface Begin {
        void run() throws IOException;
    }

    private final TlsProtocol protocol;
    private final Begin begin;
    private final Duration timeout;
    private final Promise<Channel> handshake = ImmediateEventExecutor.INSTANCE.newPromise();
    private byte[] piece = new byte[4096];
    private boolean closing;
    private @Nullable Future<?> deadline;

    PskHandler(TlsProtocol protocol, Begin begin, Duration timeout) {
        this.protocol = protocol;
        this.begin = begin;
        this.timeout = timeout;
    }

    /** Returns what is done when the handshake is, and fails when it fails. */
    public Future<Channel> handshakeFuture() {
        return handshake;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        deadline = ctx.executor()
                .schedule(
                        () -> fail(ctx, new SSLException("the TLS handshake took too long")),
                        timeout.toMillis(),
                        TimeUnit.MILLISECONDS);
        try {
            begin.run();
            ctx.write(output(ctx), ctx.voidPromise());
            ctx.flush();
        } catch (final IOException | RuntimeException e) {
            fail(ctx, e);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        final ByteBuf in = (ByteBuf) message;
        try {
            while (in.isReadable() && !protocol.isClosed()) {
                final int bytes = Math.min(in.readableBytes(), PIECE);
                in.readBytes(room(bytes), 0, bytes);
                protocol.offerInput(piece, 0, bytes);
                answer(ctx);
                deliver(ctx);
            }
        } catch (final IOException | RuntimeException e) {
            fail(ctx, e);
            return;
        } finally {
            in.release();
        }
        if (!handshake.isDone() && !protocol.isHandshaking() && !protocol.isClosed()) {
            stopTimer();
            handshake.trySuccess(ctx.channel());
        }
        if (protocol.isClosed()) {
            ctx.close(); // the other side said that it ends here
        }
    }

    /** Sends what the protocol itself has to say: handshake, new keys, alerts. */
    private void answer(ChannelHandlerContext ctx) {
        if (protocol.getAvailableOutputBytes() > 0) {
            ctx.write(output(ctx), ctx.voidPromise());
            ctx.flush();
        }
    }

    private void deliver(ChannelHandlerContext ctx) {
        final int bytes = protocol.getAvailableInputBytes();
        if (bytes > 0) {
            final ByteBuf clear = ctx.alloc().directBuffer(bytes);
            protocol.readInput(clear.nioBuffer(0, bytes), bytes);
            ctx.fireChannelRead(clear.writerIndex(bytes));
        }
    }

    private ByteBuf output(ChannelHandlerContext ctx) {
        final int bytes = protocol.getAvailableOutputBytes();
        final ByteBuf out = ctx.alloc().directBuffer(Math.max(1, bytes));
        if (bytes > 0) {
            protocol.readOutput(out.nioBuffer(0, bytes), bytes);
        }
        return out.writerIndex(bytes);
    }

    private byte[] room(int bytes) {
        if (piece.length < bytes) {
            piece = new byte[PIECE];
        }
        return piece;
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (!(message instanceof ByteBuf clear)) {
            throw new IllegalArgumentException("only bytes can be encrypted");
        }
        try {
            while (clear.isReadable()) {
                final int bytes = Math.min(clear.readableBytes(), PIECE);
                clear.readBytes(room(bytes), 0, bytes);
                protocol.writeApplicationData(piece, 0, bytes);
                if (clear.isReadable()) {
                    ctx.write(output(ctx), ctx.voidPromise());
                }
            }
            ctx.write(output(ctx), promise);
        } catch (final IOException | RuntimeException e) {
            promise.tryFailure(e);
            fail(ctx, e);
        } finally {
            clear.release();
        }
    }

    private void fail(ChannelHandlerContext ctx, Exception why) {
        if (handshake.isSuccess() || handshake.tryFailure(why)) {
            stopTimer();
            answer(ctx); // the alert that says why
            ctx.fireExceptionCaught(why);
            ctx.close();
        }
    }

    private void stopTimer() {
        final Future<?> timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) throws IOException {
        if (!closing) {
            closing = true;
            if (!protocol.isClosed() && !protocol.isHandshaking()) {
                protocol.close();
                answer(ctx);
            }
        }
        ctx.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        stopTimer();
        handshake.tryFailure(new ClosedChannelException());
        ctx.fireChannelInactive();
    }
}
