package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.net.LinkSplice;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Frames on a link. Any thread may send, one at a time; one thread receives. See docs/protocols/ring.md for the bytes.
 */
final class Wire implements AutoCloseable {
    private static final int DIGEST_MAX_BYTES = 64;
    private static final int MESSAGE_BYTES = 1024;

    private final Link link;
    private final ReentrantLock sendLock = new ReentrantLock();
    private final FrameHeader sendHeader = new FrameHeader();
    private final FrameHeader receiveHeader = new FrameHeader();
    private final CRC32C sendCrc = new CRC32C();
    private final CRC32C receiveCrc = new CRC32C();

    /** Messages are small and frequent, so one buffer is kept; it grows for one that needs it. Guarded by sendLock. */
    private ByteBuffer messageBytes = ByteBuffer.allocate(MESSAGE_BYTES);

    private @Nullable LinkSplice splice;
    private Duration timeout = Duration.ofSeconds(30);

    Wire(final Link link) {
        this.link = link;
    }

    Link link() {
        return link;
    }

    /** Sets how long the link may stand still. */
    void timeout(final Duration idle) {
        timeout = idle;
        link.timeout(idle);
    }

    /** Sends a control message. */
    void send(final ControlMessage message) throws IOException {
        sendLock.lock();
        try {
            messageBytes = ControlCodec.encode(message, messageBytes);
            sendPayload(FrameType.CONTROL, 0, messageBytes.flip());
        } finally {
            sendLock.unlock();
        }
    }

    private void sendPayload(final int type, final long position, final ByteBuffer payload) throws IOException {
        sendCrc.reset();
        sendCrc.update(payload.duplicate());
        sendHeader.set(type, 0, 0, position, 0, payload.remaining(), (int) sendCrc.getValue());
        link.send(sendHeader.seal(), payload);
    }

    /**
     * Sends a frame of the data stream; the caller keeps its reference.
     *
     * @param stored where the bytes of frames are that are not in memory.
     */
    void send(final Frame frame, final StoredBytes stored) throws IOException {
        sendLock.lock();
        try {
            final @Nullable Block payload = frame.payload();
            if (frame.isEnd()) {
                final byte[] digest = frame.digestBytes();
                sendPayload(
                        FrameType.END,
                        frame.position(),
                        ByteBuffer.allocateDirect(digest.length).put(digest).flip());
            } else if (frame.isStored()) {
                final int length = Math.toIntExact(frame.extentLength());
                final FileSlice slice = stored.slice(FrameMaker.extentOf(frame));
                sendHeader.set(frame.type(), frame.flags(), 0, frame.position(), length, length, frame.payloadCrc());
                link.sendFile(sendHeader.seal(), slice);
            } else if (payload == null) {
                sendHeader.set(frame.type(), 0, 0, frame.position(), frame.extentLength(), 0, 0);
                link.send(sendHeader.seal());
            } else {
                sendHeader.set(
                        frame.type(),
                        frame.flags(),
                        0,
                        frame.position(),
                        frame.extentLength(),
                        payload.length(),
                        frame.payloadCrc());
                link.send(sendHeader.seal(), payload.bytes());
            }
        } finally {
            sendLock.unlock();
        }
    }

    /** Says that we are alive. */
    void sendHeartbeat() throws IOException {
        sendLock.lock();
        try {
            sendHeader.set(FrameType.HEARTBEAT, 0, 0, 0, 0, 0, 0);
            link.send(sendHeader.seal());
        } finally {
            sendLock.unlock();
        }
    }

    /**
     * Receives the next control message.
     *
     * @throws ReplicationException CORRUPT when something else comes, RETRY when the peer has gone.
     */
    ControlMessage receiveControl() throws IOException {
        receiveFully(receiveHeader.bytes());
        receiveHeader.verify(ControlCodec.MAX_BYTES);
        if (receiveHeader.type() != FrameType.CONTROL) {
            throw ReplicationException.corrupt("frame of type " + receiveHeader.type() + " where a message must be");
        }
        final ByteBuffer payload = ByteBuffer.allocate(receiveHeader.payloadLength());
        receivePayload(payload);
        return ControlCodec.decode(payload);
    }

    private void receivePayload(final ByteBuffer payload) throws IOException {
        receiveFully(payload);
        if (receiveHeader.type() == FrameType.DATA && (receiveHeader.flags() & FrameType.FLAG_NO_CRC) != 0) {
            payload.flip();
            return;
        }
        receiveCrc.reset();
        receiveCrc.update(payload.duplicate().flip());
        if ((int) receiveCrc.getValue() != receiveHeader.payloadCrc()) {
            throw ReplicationException.corrupt("frame type=" + receiveHeader.type() + " position="
                    + receiveHeader.position() + " length=" + receiveHeader.payloadLength()
                    + ": CRC32C of the payload does not match");
        }
        payload.flip();
    }

    /**
     * Receives the next frame of the data stream, or null for a heartbeat. The caller owns the frame.
     *
     * @param pool of blocks as large as a frame may be.
     * @param expected where the frame must begin.
     * @param store where the kernel may put the bytes of a data frame at once, or null.
     */
    @Nullable
    Frame receiveFrame(final BlockPool pool, final long expected, final @Nullable SpliceStore store)
            throws IOException {
        receiveFully(receiveHeader.bytes());
        receiveHeader.verify(pool.blockBytes());
        if (receiveHeader.type() != FrameType.HEARTBEAT && receiveHeader.position() != expected) {
            throw ReplicationException.corrupt(
                    "frame at " + receiveHeader.position() + ", expected one at " + expected);
        }
        return switch (receiveHeader.type()) {
            case FrameType.DATA -> canSplice(store) ? receiveToStore(store) : receiveData(pool);
            case FrameType.ZERO, FrameType.HOLE -> receiveEmpty();
            case FrameType.HEARTBEAT -> null;
            case FrameType.END -> receiveEnd();
            default -> throw ReplicationException.corrupt("unknown frame type " + receiveHeader.type());
        };
    }

    private boolean canSplice(final @Nullable SpliceStore store) throws IOException {
        if (store == null || (receiveHeader.flags() & FrameHeader.COMPRESSION_MASK) != Compression.NONE) {
            return false;
        }
        if (splice == null) {
            splice = LinkSplice.of(link).orElse(null);
        }
        return splice != null;
    }

    private Frame receiveToStore(final @Nullable SpliceStore store) throws IOException {
        final @Nullable LinkSplice pipe = splice;
        final int length = receiveHeader.payloadLength();
        if (store == null || pipe == null || length == 0 || length != receiveHeader.extentLength()) {
            throw ReplicationException.corrupt("data frame position=" + receiveHeader.position() + " length="
                    + receiveHeader.extentLength() + " payload=" + length + " is out of range");
        }
        pipe.timeout(timeout);
        try {
            pipe.receive(store.file(), receiveHeader.position(), length);
            if ((receiveHeader.flags() & FrameType.FLAG_NO_CRC) == 0) {
                store.verify(receiveHeader.position(), length, receiveHeader.payloadCrc());
            }
        } catch (final IOException e) {
            store.undo(receiveHeader.position(), length);
            throw e;
        }
        return Frame.stored(receiveHeader.flags(), receiveHeader.position(), length, receiveHeader.payloadCrc());
    }

    private Frame receiveData(final BlockPool pool) throws IOException {
        final int length = receiveHeader.payloadLength();
        final long extentLength = receiveHeader.extentLength();
        if (length == 0 || extentLength < 1 || extentLength > pool.blockBytes()) {
            throw ReplicationException.corrupt("data frame position=" + receiveHeader.position() + " length="
                    + extentLength + " payload=" + length + " is out of range");
        }
        final Block block = pool.take();
        try {
            block.length(length);
            receivePayload(block.bytes());
            return Frame.data(
                    receiveHeader.flags(), receiveHeader.position(), extentLength, receiveHeader.payloadCrc(), block);
        } catch (final IOException | RuntimeException e) {
            block.release();
            throw e;
        }
    }

    private Frame receiveEmpty() throws IOException {
        if (receiveHeader.extentLength() < 1 || receiveHeader.payloadLength() != 0) {
            throw ReplicationException.corrupt("zero frame position=" + receiveHeader.position() + " length="
                    + receiveHeader.extentLength() + " payload=" + receiveHeader.payloadLength());
        }
        return Frame.empty(receiveHeader.type(), receiveHeader.position(), receiveHeader.extentLength());
    }

    private Frame receiveEnd() throws IOException {
        if (receiveHeader.payloadLength() > DIGEST_MAX_BYTES) {
            throw ReplicationException.corrupt("digest of " + receiveHeader.payloadLength() + " bytes");
        }
        final byte[] digest = new byte[receiveHeader.payloadLength()];
        receivePayload(ByteBuffer.wrap(digest));
        return Frame.end(receiveHeader.position(), HexFormat.of().formatHex(digest));
    }

    private void receiveFully(final ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (link.receive(into) < 0) {
                throw ReplicationException.retry(link.peer() + " closed the connection", null);
            }
        }
    }

    @Override
    public void close() {
        try (link) {
            final @Nullable LinkSplice pipe = splice;
            if (pipe != null) {
                pipe.close();
            }
        } catch (final IOException e) {
            // The link is being given up: how its close fails tells nobody anything.
            return;
        }
    }
}
