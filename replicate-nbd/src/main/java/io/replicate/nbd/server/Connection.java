package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.concurrent.Future;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.ReceiveBuffers;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One client: first its handshake, then its transmission phase. Used by the channel's event loop only. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class Connection extends ChannelInboundHandlerAdapter implements Handshake.Outcome {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
    private static final int OLDSTYLE_FLAGS = Nbd.FLAG_HAS_FLAGS | Nbd.FLAG_SEND_FLUSH | Nbd.FLAG_SEND_FUA;
    /** How long a connection that the server ends is still read, so that unread bytes do not destroy its replies. */
    private static final long LINGER_MS = 1000;

    private final Channel channel;
    private final ServerSettings settings;
    private final MemoryBudget budget;
    private final Executor workers;
    private final ReceiveBuffers receive;
    private final boolean oldstyle;
    private final Handshake handshake;
    private final Standstill standstill;
    /** What came and was not taken yet; null when the handshake is over. Never asked for its reference count: a
     * released buffer may be somebody else's by then. */
    private @Nullable ByteBuf haggling;

    private @Nullable Transmission transmission;
    private @Nullable Future<?> deadline;
    private boolean tls;
    private boolean inputClosed;
    private boolean lingering;
    private boolean outputClosed;

    Connection(
            Channel channel,
            ServerSettings settings,
            MemoryBudget budget,
            Executor workers,
            ReceiveBuffers receive,
            boolean oldstyle) {
        this.channel = channel;
        this.settings = settings;
        this.budget = budget;
        this.workers = workers;
        this.receive = receive;
        this.oldstyle = oldstyle;
        this.handshake = new Handshake(channel, settings, this);
        this.standstill = new Standstill(channel);
        this.haggling = channel.alloc().buffer();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        if (oldstyle) {
            final Export export = settings.exports().first();
            final ByteBuf hello = channel.alloc().buffer(152);
            hello.writeLong(Nbd.INIT_MAGIC).writeLong(Nbd.OLDSTYLE_MAGIC);
            hello.writeLong(RequestCheck.oldstyleSize(export));
            hello.writeInt(OLDSTYLE_FLAGS | (export.isReadOnly() ? Nbd.FLAG_READ_ONLY : 0));
            hello.writeZero(Nbd.RESERVED_ZEROES);
            channel.writeAndFlush(hello, channel.voidPromise());
            enter(new Negotiated(export, false, false, List.of(), true));
        } else {
            final long ms = settings.limits().handshake().toMillis();
            deadline = channel.eventLoop().schedule(this::tooSlow, ms, TimeUnit.MILLISECONDS);
            handshake.greet();
        }
    }

    private void tooSlow() {
        if (transmission == null) {
            LOG.debug("{}: the handshake took too long: closed", PeerName.of(channel));
            channel.close();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        final ByteBuf in = (ByteBuf) message;
        final Transmission t = transmission;
        if (lingering) {
            in.release();
        } else if (t != null) {
            t.receive(in);
        } else {
            if (haggling != null) {
                haggling.writeBytes(in);
            }
            in.release();
            haggle();
        }
    }

    private void haggle() {
        final ByteBuf received = haggling;
        if (received != null && !lingering) {
            handshake.receive(received);
            if (haggling != null) {
                received.discardSomeReadBytes();
                channel.config().setAutoRead(channel.isWritable());
            }
        }
    }

    private void endHaggling() {
        final ByteBuf received = haggling;
        haggling = null;
        if (received != null) {
            received.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        final Transmission t = transmission;
        if (t != null) {
            t.receiveComplete();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        final Transmission t = transmission;
        if (t != null) {
            t.writable();
        } else {
            haggle();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent && !inputClosed) {
            inputClosed = true;
            standstill.watch(settings.limits().handshake());
            final Transmission t = transmission;
            if (outputClosed) {
                channel.close();
            } else if (t == null) {
                closeWhenSent();
            } else if (!lingering) { // else it is closed when everything is sent
                t.inputClosed();
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (cause instanceof OutOfMemoryError) {
            LOG.warn(
                    "{}: closed, as memory ran out: -XX:MaxDirectMemorySize gives more, --client-memory lets clients"
                            + " hold less ({})",
                    PeerName.of(channel),
                    cause.getMessage());
        } else {
            LOG.debug("{}: closed after a failure", PeerName.of(channel), cause);
        }
        channel.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        final Future<?> timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
        standstill.end();
        final Transmission t = transmission;
        if (t != null) {
            t.closed();
        }
        endHaggling();
    }

    @Override
    public void startTls() {
        final TlsHandlers handlers = settings.tls();
        if (handlers == null) {
            throw new IllegalStateException("TLS is not configured");
        }
        tls = true;
        channel.pipeline()
                .addFirst(handlers.create(channel.alloc(), settings.limits().handshake()));
    }

    @Override
    public void enter(Negotiated negotiated) {
        final Future<?> timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
        standstill.watch(Standstill.FROZEN);
        LOG.debug("{}: serves {}", PeerName.of(channel), negotiated.export());
        final Transmission t = new Transmission(
                channel, negotiated, settings.limits(), budget, workers, receive, tls, this::closeWhenSent);
        transmission = t;
        channel.config().setAutoRead(true);
        final ByteBuf received = haggling;
        haggling = null;
        if (received != null) {
            channel.flush();
            t.receive(received); // as it is: what is left belongs to the transmission
            t.receiveComplete();
        }
    }

    @Override
    public void close() {
        closeWhenSent();
    }

    private void closeWhenSent() {
        standstill.watch(settings.limits().handshake());
        if (tls || inputClosed || !(channel instanceof DuplexChannel duplex)) {
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        lingering = true;
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(sent -> {
            if (inputClosed) {
                channel.close();
                return;
            }
            outputClosed = true;
            duplex.shutdownOutput();
            channel.config().setAutoRead(true);
            channel.eventLoop().schedule(() -> channel.close(), LINGER_MS, TimeUnit.MILLISECONDS);
        });
    }

    /** The server stops. */
    void shutdown() {
        final Transmission t = transmission;
        if (t != null) {
            t.shutdown();
        } else {
            handshake.shutdown();
        }
    }
}
