package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.ReceiveBuffers;
import io.replicate.nbd.protocol.RequestHeader;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Takes the bytes of one client apart: headers, which may come in parts, and payloads. Stops reading from the client
 * while its window is full. Used by the channel's event loop only.
 */
final class Intake {
    private enum State {
        HEADER,
        PAYLOAD,
        /** A request is under way that no other may overtake. */
        HELD,
        /** No more requests are taken. */
        ENDING
    }

    /** What is done with requests. */
    interface Requests {
        /**
         * A header has come.
         *
         * @param in begins with what came behind it.
         */
        void request(RequestHeader header, ByteBuf in);

        /** A header has come that is none. */
        void wrongMagic(RequestHeader header);

        /** The next header must wait, and no worker will report before it may come. */
        void wake();
    }

    private final Channel channel;
    private final ReceiveBuffers receive;
    private final boolean inPlace;
    private final boolean extended;
    private final Window window;
    private final Upload upload;
    private final Requests requests;

    private final RequestHeader header = new RequestHeader();
    private final int headerBytes;
    private final ByteBuf split;
    private final Queue<ByteBuf> inputs = new ArrayDeque<>();
    private State state = State.HEADER;
    private boolean paused;
    private boolean inputClosed;
    private boolean closed;

    /**
     * @param inPlace whether what the socket delivers is what the client sent, so that payloads may be received in place.
     */
    Intake(
            Channel channel,
            ReceiveBuffers receive,
            boolean inPlace,
            boolean extended,
            Window window,
            Upload upload,
            Requests requests) {
        this.channel = channel;
        this.receive = receive;
        this.inPlace = inPlace;
        this.extended = extended;
        this.window = window;
        this.upload = upload;
        this.requests = requests;
        this.headerBytes = RequestHeader.bytes(extended);
        this.split = Unpooled.buffer(headerBytes, headerBytes);
    }

    /** Takes bytes from the client, and their ownership. */
    void receive(ByteBuf in) {
        if (closed) {
            in.release();
            return;
        }
        if (upload.isTarget(in)) {
            in.release(); // the reference of the receive call
            if (upload.receivedInPlace()) {
                payloadComplete();
            }
        } else {
            inputs.add(in);
        }
        decode();
    }

    /** The client will send no more; what it has sent counts. */
    void inputClosed() {
        inputClosed = true;
        decode();
    }

    /** Goes on where a full window had stopped it. */
    void decode() {
        if (closed) {
            return;
        }
        paused = false;
        while (!paused && (state == State.HEADER || state == State.PAYLOAD)) {
            if (state == State.PAYLOAD && upload.needsPiece()) {
                if (!mayGoOn()) {
                    break;
                }
                upload.nextPiece();
            }
            final ByteBuf in = inputs.peek();
            if (in == null) {
                if (state != State.HEADER || split.readableBytes() < headerBytes) {
                    break;
                }
                takeHeader(Unpooled.EMPTY_BUFFER); // one that came in parts and had to wait
                continue;
            }
            if (state == State.HEADER) {
                takeHeader(in);
            } else if (upload.take(in)) {
                payloadComplete();
            }
            if (!in.isReadable()) {
                inputs.remove();
                in.release();
            }
        }
        if (inputClosed && inputs.isEmpty() && !paused && state != State.HELD) {
            end();
        }
        if (state == State.ENDING) {
            drop();
        }
        control();
    }

    /** Chooses where the next bytes go, and whether any shall come. */
    private void control() {
        final boolean stopped = paused || state == State.HELD || state == State.ENDING;
        receive.target(inPlace && state == State.PAYLOAD && inputs.isEmpty() && !stopped ? upload.target() : null);
        if (!inputClosed && channel.config().isAutoRead() == stopped) {
            channel.config().setAutoRead(!stopped);
        }
    }

    private void takeHeader(ByteBuf in) {
        final boolean whole = !split.isReadable() && in.readableBytes() >= headerBytes;
        if (!whole) {
            split.writeBytes(in, Math.min(in.readableBytes(), headerBytes - split.readableBytes()));
            if (split.readableBytes() < headerBytes) {
                return;
            }
        }
        if (!mayGoOn()) {
            return;
        }
        final boolean right = whole ? header.decode(in, in.readerIndex(), extended) : header.decode(split, 0, extended);
        if (whole) {
            in.skipBytes(headerBytes);
        }
        split.clear();
        if (right) {
            requests.request(header, in);
        } else {
            requests.wrongMagic(header);
        }
    }

    private boolean mayGoOn() {
        if (window.hasRoom()) {
            return true;
        }
        paused = true;
        if (window.operations() == 0) {
            window.whenSent(requests::wake);
        }
        return false;
    }

    /** What follows belongs to the request that was just taken. */
    void awaitPayload() {
        state = State.PAYLOAD;
    }

    private void payloadComplete() {
        if (state == State.PAYLOAD) {
            state = State.HEADER;
        }
    }

    /** Takes no further request before {@link #go}. */
    void hold() {
        state = State.HELD;
    }

    /** Takes requests again. */
    void go() {
        state = State.HEADER;
        decode();
    }

    /** Takes no further request. */
    void end() {
        state = State.ENDING;
    }

    boolean isPaused() {
        return paused;
    }

    boolean isEnding() {
        return state == State.ENDING;
    }

    /** The connection is over. */
    void close() {
        closed = true;
        drop();
        receive.target(null);
    }

    private void drop() {
        for (ByteBuf in = inputs.poll(); in != null; in = inputs.poll()) {
            in.release();
        }
        upload.drop();
    }
}
