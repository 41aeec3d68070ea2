package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.UnixChannel;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.FileSlice;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.ReplyCodec;
import io.replicate.nbd.protocol.RequestHeader;
import org.jspecify.annotations.Nullable;

/**
 * The replies of one connection. Small ones gather in one buffer, which is sent when a batch of requests is answered; it
 * is used again when the socket took it all. Used by the channel's event loop only.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class Replies {
    /** Room for headers around the data of a reply, in bytes. */
    static final int ROOM = 512;

    private static final int BATCH = 64 << 10;
    private static final int MAX_GATHERED_READ = 256 << 10;
    /** Reads at least this long go from the file to the socket inside the kernel. */
    private static final int MIN_SENDFILE = 64 << 10;

    private final Channel channel;
    private final boolean chunked;
    private final boolean extended;
    private final int socket;
    private final Runnable regionDone;
    private @Nullable ByteBuf batch;
    private int regionsQueued;

    Replies(Channel channel, Negotiated negotiated, boolean tls, Runnable regionDone) {
        this.channel = channel;
        this.chunked = negotiated.chunked();
        this.extended = negotiated.extended();
        this.regionDone = regionDone;
        final boolean plainSocket =
                channel instanceof EpollSocketChannel || channel instanceof EpollDomainSocketChannel;
        this.socket = plainSocket && !tls && Posix.get().isNative() && channel instanceof UnixChannel unix
                ? unix.fd().intValue()
                : -1;
    }

    ByteBuf newBuffer(int bytes) {
        return channel.alloc().directBuffer(bytes);
    }

    /** Returns the gathering buffer with at least {@code bytes} to write. */
    private ByteBuf room(int bytes) {
        ByteBuf b = batch;
        if (b != null && b.refCnt() == 1 && !b.isReadable() && b.capacity() >= bytes) {
            return b.clear();
        }
        if (b == null || b.writableBytes() < bytes) {
            write();
            b = channel.alloc().directBuffer(Math.max(bytes, BATCH));
            if (batch != null) {
                batch.release();
            }
            batch = b;
        }
        return b;
    }

    void simple(int error, long cookie) {
        ReplyCodec.simple(room(Nbd.SIMPLE_REPLY_HEADER), error, cookie);
    }

    /** Answers with success and no data. */
    void done(long cookie, long requestOffset) {
        if (chunked) {
            ReplyCodec.none(room(Nbd.EXTENDED_REPLY_HEADER), extended, cookie, requestOffset);
        } else {
            simple(NbdError.OK, cookie);
        }
    }

    /** Ends the reply to a request. */
    void none(Operation request) {
        ReplyCodec.none(room(Nbd.EXTENDED_REPLY_HEADER), extended, request.cookie, request.requestOffset);
    }

    /** Answers an operation, and takes its data. */
    void answer(Operation op) {
        if (op.error != NbdError.OK) {
            error(op);
        } else if (op.type == Nbd.CMD_READ || op.type == Nbd.CMD_BLOCK_STATUS) {
            final ByteBuf data = op.data;
            op.data = null;
            if (data != null) {
                send(data);
            }
        } else if (extended) {
            ReplyCodec.none(room(Nbd.EXTENDED_REPLY_HEADER), true, op.cookie, op.requestOffset);
        } else {
            simple(NbdError.OK, op.cookie); // structured replies leave it to the server; this one is shorter
        }
    }

    private void error(Operation op) {
        if (!chunked) {
            simple(op.error, op.cookie);
            return;
        }
        final ByteBuf to = room(2 * ROOM + 3 * op.reason().length());
        if (op.error == NbdError.EIO && op.type == Nbd.CMD_READ) {
            ReplyCodec.errorAt(to, extended, op.error, op.cookie, op.requestOffset, op.reason(), op.offset);
        } else {
            ReplyCodec.error(to, extended, op.error, op.cookie, op.requestOffset, op.reason());
        }
    }

    /** Answers a checked read from the page cache, if it is there; returns whether it was. */
    boolean fromCache(RequestHeader h, Medium medium) {
        if (h.length() > MAX_GATHERED_READ || !medium.mayReadNow()) {
            return false;
        }
        final int length = (int) h.length();
        final ByteBuf to = room(length + ROOM);
        final int start = to.writerIndex();
        header(to, h);
        if (medium.readNow(h.offset(), length, to)) {
            return true;
        }
        to.writerIndex(start);
        return false;
    }

    /** Answers a checked read by sendfile, where that is possible and needs no waiting; returns whether it did. */
    boolean fromFile(RequestHeader h, Medium medium) {
        final FileSlice file = medium.file();
        if (socket < 0 || file == null || h.length() < MIN_SENDFILE || !medium.looksCached(h.offset(), h.length())) {
            return false;
        }
        header(room(ROOM), h);
        write();
        regionsQueued++;
        channel.write(
                new SendFile(socket, file.fd(), file.offset() + h.offset(), h.length(), this::sent),
                channel.voidPromise());
        channel.flush();
        return true;
    }

    private void sent() {
        regionsQueued--;
        regionDone.run();
    }

    private void header(ByteBuf to, RequestHeader h) {
        if (chunked) {
            ReplyCodec.data(to, extended, true, h.cookie(), h.offset(), h.offset(), (int) h.length());
        } else {
            ReplyCodec.simple(to, NbdError.OK, h.cookie());
        }
    }

    /**
     * Queues bytes behind what is gathered, and takes them. A buffer of which they are the smaller part, as holes took little
     * room, does not wait with them: it may be all that the client's share of memory is.
     */
    void send(ByteBuf data) {
        final int bytes = data.readableBytes();
        if (bytes <= BATCH && bytes < data.capacity() / 2) {
            try {
                room(bytes).writeBytes(data);
            } finally {
                data.release();
            }
        } else {
            write();
            channel.write(data, channel.voidPromise());
        }
    }

    private void write() {
        final ByteBuf b = batch;
        if (b != null && b.isReadable()) {
            channel.write(b.readRetainedSlice(b.readableBytes()), channel.voidPromise());
        }
    }

    /** Sends everything that was answered. */
    void flush() {
        write();
        channel.flush();
    }

    /** Returns how many bytes of memory wait for the client to take them. */
    long pendingBytes() {
        final ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        final ByteBuf b = batch;
        return (queue == null ? 0 : queue.totalPendingWriteBytes()) + (b == null ? 0 : b.readableBytes());
    }

    /** Returns how many file ranges wait. */
    int regionsQueued() {
        return regionsQueued;
    }

    void release() {
        final ByteBuf b = batch;
        batch = null;
        if (b != null) {
            b.release();
        }
    }
}
