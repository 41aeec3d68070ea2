package io.replicate.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.RequestHeader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One connection in its transmission phase. Calls may be made by any thread; all else is the event loop's. A server that
 * breaks the protocol, or goes away, loses the connection and with it every call that was not answered.
 */
@SuppressWarnings({"FutureReturnValueIgnored", "ReferenceEquality"
}) // a write or close that fails closes the channel, which is watched
final class Wire extends ChannelInboundHandlerAdapter {
    private static final int MAX_STATUS = 8 + 16 * Nbd.MAX_DESCRIPTORS;
    private static final int MAX_ERROR = 2 * Nbd.MAX_STRING;

    private final Channel channel;
    private final NbdAddress address;
    private final ExportInfo info;
    private final ReceiveBuffers receive;
    private final Map<Long, Call> calls = new HashMap<>();
    private final AtomicInteger underWay = new AtomicInteger();
    private final ByteBuf pending;
    private long nextCookie = 1;
    private volatile boolean dead;
    /** The server is about to stop: what is under way is finished, nothing new begins. */
    private volatile boolean retiring;

    // the data that is awaited
    private @Nullable ByteBuf place;
    private boolean endsCall;
    private long readingCookie;

    Wire(Channel channel, NbdAddress address, ExportInfo info, ReceiveBuffers receive) {
        this.channel = channel;
        this.address = address;
        this.info = info;
        this.receive = receive;
        this.pending = channel.alloc().buffer();
    }

    ExportInfo info() {
        return info;
    }

    boolean isDead() {
        return dead || retiring;
    }

    int underWay() {
        return underWay.get();
    }

    // ---- requests

    /** Sends a request; its answer goes into the call. */
    void submit(Call call) {
        underWay.incrementAndGet();
        if (!onLoop(() -> send(call))) {
            underWay.decrementAndGet();
            call.lost(connectionLost());
        }
    }

    /** Has the event loop do something; returns false if it has ended, as the client was closed. */
    private boolean onLoop(Runnable task) {
        try {
            channel.eventLoop().execute(task);
            return true;
        } catch (final RejectedExecutionException e) {
            return false;
        }
    }

    private ReplicationException connectionLost() {
        return ReplicationException.retry(address + ": the connection was lost", null);
    }

    private void send(Call call) {
        if (dead || retiring) {
            underWay.decrementAndGet();
            call.lost(connectionLost());
            return;
        }
        final long cookie = nextCookie++;
        calls.put(cookie, call);
        final boolean write = call.type == Nbd.CMD_WRITE;
        final int flags = call.flags | (write && info.extended() ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
        final ByteBuf header = channel.alloc().directBuffer(Nbd.EXTENDED_REQUEST_HEADER);
        RequestHeader.encode(header, info.extended(), flags, call.type, cookie, call.offset, call.length);
        channel.write(header, channel.voidPromise());
        if (write && call.data != null) {
            channel.write(Unpooled.wrappedBuffer(call.data.duplicate()), channel.voidPromise());
        }
        channel.flush();
    }

    /** Says goodbye and closes, without waiting. */
    void disconnect() {
        onLoop(() -> {
            if (!dead) {
                final ByteBuf header = channel.alloc().directBuffer(Nbd.EXTENDED_REQUEST_HEADER);
                RequestHeader.encode(header, info.extended(), 0, Nbd.CMD_DISC, 0, 0, 0);
                channel.writeAndFlush(header).addListener(ChannelFutureListener.CLOSE);
            }
        });
    }

    void awaitClosed(long timeoutNs) {
        channel.closeFuture().awaitUninterruptibly(Math.max(1, timeoutNs), TimeUnit.NANOSECONDS);
    }

    /** Gives the connection up. */
    void abandon(String why) {
        onLoop(() -> lose(why));
    }

    private void lose(String why) {
        lose(ReplicationException.retry(address + ": " + why, null));
    }

    /** The server does not keep to the protocol: what it would say on a new connection is not to be trusted either. */
    private void broken(String how) {
        lose(ReplicationException.fail(address + ": the server breaks the protocol: " + how, null));
    }

    private void lose(ReplicationException why) {
        if (dead) {
            return;
        }
        dead = true;
        receive.target(null);
        channel.close();
        dropPlace();
        pending.release();
        calls.values().forEach(call -> {
            underWay.decrementAndGet();
            call.lost(why);
        });
        calls.clear();
    }

    private void dropPlace() {
        final ByteBuf p = place;
        place = null;
        if (p != null) {
            p.release();
        }
    }

    // ---- replies

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        lose("the server closed the connection");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        lose("the connection was lost: " + cause.getMessage());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        final ByteBuf in = (ByteBuf) message;
        if (dead) {
            in.release();
            return;
        }
        if (in == place) {
            in.release(); // received in place
        } else {
            ByteBuf from = in;
            if (pending.isReadable()) {
                pending.writeBytes(in);
                from = pending;
            }
            while (!dead && step(from)) {
                // one part of a reply after the other
            }
            if (!dead && from == pending) {
                pending.discardReadBytes();
            } else if (!dead && in.isReadable()) {
                pending.clear().writeBytes(in);
            }
            in.release();
        }
        final ByteBuf p = place;
        if (p != null && !p.isWritable()) {
            placeFilled();
        }
        final ByteBuf next = place;
        final boolean inPlace = next != null && next.hasMemoryAddress() && !pending.isReadable() && !info.tls();
        receive.target(inPlace ? next : null);
    }

    /** Takes the next part from {@code in}; returns false when it is not there yet. */
    private boolean step(ByteBuf in) {
        final ByteBuf p = place;
        if (p != null) {
            in.readBytes(p, Math.min(in.readableBytes(), p.writableBytes()));
            if (p.isWritable()) {
                return false;
            }
            placeFilled();
            return true;
        }
        if (in.readableBytes() < Nbd.SIMPLE_REPLY_HEADER) {
            return false;
        }
        final int at = in.readerIndex();
        return switch (in.getInt(at)) {
            case Nbd.SIMPLE_REPLY_MAGIC -> simple(in);
            case Nbd.STRUCTURED_REPLY_MAGIC, Nbd.EXTENDED_REPLY_MAGIC -> chunk(in);
            default -> {
                broken("something that is no reply");
                yield false;
            }
        };
    }

    private boolean simple(ByteBuf in) {
        in.skipBytes(Integer.BYTES);
        final int error = in.readInt();
        final long cookie = in.readLong();
        final Call call = calls.get(cookie);
        if (call == null || info.extended() || (info.structured() && call.type == Nbd.CMD_READ)) {
            broken("a simple reply that fits no request");
            return false;
        }
        if (error != NbdError.OK) {
            call.error(error, "");
            finish(cookie);
        } else if (call.type == Nbd.CMD_READ && call.length > 0) {
            call.accepts(call.offset, call.length);
            await(cookie, call, call.offset, (int) call.length, true);
        } else {
            finish(cookie);
        }
        return true;
    }

    private boolean chunk(ByteBuf in) {
        final int header = info.extended() ? Nbd.EXTENDED_REPLY_HEADER : Nbd.STRUCTURED_REPLY_HEADER;
        if (in.readableBytes() < header) {
            return false;
        }
        final int at = in.readerIndex();
        final boolean extended = in.getInt(at) == Nbd.EXTENDED_REPLY_MAGIC;
        final boolean done = (in.getUnsignedShort(at + 4) & Nbd.REPLY_FLAG_DONE) != 0;
        final int type = in.getUnsignedShort(at + 6);
        final long cookie = in.getLong(at + 8);
        final long length = extended ? in.getLong(at + 24) : in.getUnsignedInt(at + 16);
        final Call call = calls.get(cookie);
        if (call == null
                || extended != info.extended()
                || !info.structured()
                || (extended && in.getLong(at + 16) != call.offset)) {
            broken("a chunk that fits no request");
            return false;
        }
        if (type == Nbd.REPLY_OFFSET_DATA) {
            return data(in, header, call, cookie, length, done);
        }
        final boolean error = (type & Nbd.REPLY_ERROR_BIT) != 0;
        if (length < 0 || length > (error ? MAX_ERROR : MAX_STATUS)) {
            broken("a chunk of type " + type + " with " + Long.toUnsignedString(length) + " bytes");
            return false;
        }
        if (in.readableBytes() < header + length) {
            return false;
        }
        in.skipBytes(header);
        final ByteBuf payload = in.readSlice((int) length);
        final boolean right = error ? error(call, payload) : content(call, type, payload, done);
        if (!right) {
            broken("a malformed chunk of type " + type);
            return false;
        }
        if (done) {
            finish(cookie);
        }
        return true;
    }

    private boolean data(ByteBuf in, int header, Call call, long cookie, long length, boolean done) {
        final long bytes = length - Long.BYTES;
        if (call.type == Nbd.CMD_READ && bytes > 0 && in.readableBytes() < header + Long.BYTES) {
            return false;
        }
        in.skipBytes(header);
        if (call.type != Nbd.CMD_READ || bytes <= 0 || !call.accepts(in.getLong(in.readerIndex()), bytes)) {
            broken("data that was not asked for, or twice");
            return false;
        }
        await(cookie, call, in.readLong(), (int) bytes, done);
        return true;
    }

    private void await(long cookie, Call call, long offset, int bytes, boolean last) {
        readingCookie = cookie;
        endsCall = last;
        place = Unpooled.wrappedBuffer(call.place(offset, bytes)).writerIndex(0);
    }

    private void placeFilled() {
        final boolean last = endsCall;
        dropPlace();
        if (last) {
            finish(readingCookie);
        }
    }

    private static boolean error(Call call, ByteBuf payload) {
        if (payload.readableBytes() < Integer.BYTES + Short.BYTES) {
            return false;
        }
        final int error = payload.readInt();
        final int length = payload.readUnsignedShort();
        if (length > payload.readableBytes()) {
            return false;
        }
        call.error(error, payload.toString(payload.readerIndex(), length, StandardCharsets.UTF_8));
        return true;
    }

    private boolean content(Call call, int type, ByteBuf payload, boolean done) {
        switch (type) {
            case Nbd.REPLY_NONE -> {
                return !payload.isReadable() && done;
            }
            case Nbd.REPLY_OFFSET_HOLE -> {
                if (payload.readableBytes() != Long.BYTES + Integer.BYTES || call.type != Nbd.CMD_READ) {
                    return false;
                }
                final long offset = payload.readLong();
                final long bytes = payload.readUnsignedInt();
                if (bytes == 0 || !call.accepts(offset, bytes)) {
                    return false;
                }
                zero(call.place(offset, (int) bytes));
                return true;
            }
            case Nbd.REPLY_BLOCK_STATUS, Nbd.REPLY_BLOCK_STATUS_EXT -> {
                return status(call, payload, type == Nbd.REPLY_BLOCK_STATUS_EXT);
            }
            default -> {
                return false;
            }
        }
    }

    private static void zero(ByteBuffer to) {
        while (to.remaining() >= Long.BYTES) {
            to.putLong(0);
        }
        while (to.hasRemaining()) {
            to.put((byte) 0);
        }
    }

    private boolean status(Call call, ByteBuf payload, boolean wide) {
        final int head = wide ? 2 * Integer.BYTES : Integer.BYTES;
        final int each = wide ? 2 * Long.BYTES : 2 * Integer.BYTES;
        if (call.type != Nbd.CMD_BLOCK_STATUS
                || wide != info.extended()
                || payload.readableBytes() <= head
                || (payload.readableBytes() - head) % each != 0) {
            return false;
        }
        final int context = payload.readInt();
        if (wide && payload.readUnsignedInt() * each != payload.readableBytes()) {
            return false;
        }
        final List<Call.Descriptor> descriptors = new ArrayList<>(payload.readableBytes() / each);
        while (payload.isReadable()) {
            final long length = wide ? payload.readLong() : payload.readUnsignedInt();
            final long flags = wide ? payload.readLong() : payload.readUnsignedInt();
            if (length <= 0) {
                return false;
            }
            descriptors.add(new Call.Descriptor(length, flags));
        }
        return info.contexts().stream().anyMatch(c -> c.id() == context) && call.status(context, descriptors);
    }

    private void finish(long cookie) {
        final Call call = calls.remove(cookie);
        if (call == null) {
            return;
        }
        if (!call.isComplete(info.contexts().size())) {
            calls.put(cookie, call);
            broken("less than was asked for, called success");
            return;
        }
        underWay.decrementAndGet();
        if (call.isShutdown()) {
            retiring = true;
        }
        call.finish();
        if (retiring && calls.isEmpty()) {
            disconnect();
        }
    }
}
