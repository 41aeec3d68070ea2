package io.replicate.delta.peer;

import io.replicate.core.net.FrameHeader;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/**
 * Frames over a link, with the header of {@link FrameHeader}. One asks, the other answers.
 *
 * <pre>
 *  type   from    position  stream  payload
 *  16 HELLO  both            version   "replicate-delta"
 *  17 ASK_INFO client
 *  18 INFO   server image bytes         u8 flags (1 writable), generation
 *  19 ASK_PAGE client page     level
 *  20 PAGE   server page     level      hashes
 *  21 ASK_DATA client offset            (extent length: how much)
 *  22 DATA   server offset              the bytes
 *  23 PUSH   client 1: from the beginning, else 0; a delta follows
 *  24 GO     server                     resume token, or nothing
 *  25 STREAM client offset              bytes of the framed stream
 *  26 STREAM_END client
 *  27 MERGED server bytes written       generation
 *  28 FAILED server                     u8 category, message
 *  29 WAIT   both                       nothing: still at it
 * </pre>
 *
 * Sent by one thread, received by one.
 */
final class Wire implements AutoCloseable {
    static final int VERSION = 1;
    static final int HELLO = 16;
    static final int ASK_INFO = 17;
    static final int INFO = 18;
    static final int ASK_PAGE = 19;
    static final int PAGE = 20;
    static final int ASK_DATA = 21;
    static final int DATA = 22;
    static final int PUSH = 23;
    static final int GO = 24;
    static final int STREAM = 25;
    static final int STREAM_END = 26;
    static final int MERGED = 27;
    static final int FAILED = 28;
    static final int WAIT = 29;

    static final int MAX_PAYLOAD = 1 << 20;
    static final String NAME = "replicate-delta";

    /** In the order of their numbers on the wire. */
    private static final List<ReplicationException.Category> CATEGORIES = List.of(
            ReplicationException.Category.RETRY,
            ReplicationException.Category.FAIL_JOB,
            ReplicationException.Category.CORRUPT,
            ReplicationException.Category.CANCELLED,
            ReplicationException.Category.MISUSE);

    private static final Duration IDLE = Duration.ofSeconds(60);

    private final Link link;
    private final FrameHeader out = new FrameHeader();
    private final FrameHeader in = new FrameHeader();
    private final CRC32C sendCrc = new CRC32C();
    private final CRC32C receiveCrc = new CRC32C();
    private final ByteBuffer payload = ByteBuffer.allocateDirect(MAX_PAYLOAD);
    private final AtomicLong bytes = new AtomicLong();

    Wire(final Link link) {
        this.link = link;
        link.timeout(IDLE);
    }

    /** Returns how many bytes went over the link so far, in both directions. */
    long bytes() {
        return bytes.get();
    }

    Link link() {
        return link;
    }

    synchronized void send(
            final int type, final int stream, final long position, final long length, final ByteBuffer data)
            throws IOException {
        sendCrc.reset();
        sendCrc.update(data.duplicate());
        final int crc = data.hasRemaining() ? (int) sendCrc.getValue() : 0;
        bytes.addAndGet(FrameHeader.LENGTH + data.remaining());
        link.send(
                out.set(type, 0, stream, position, length, data.remaining(), crc)
                        .seal(),
                data);
    }

    void send(final int type) throws IOException {
        send(type, 0, 0, 0, ByteBuffer.allocate(0));
    }

    void send(final int type, final long position, final String text) throws IOException {
        send(type, 0, position, 0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** Receives a frame; false when the peer has ended. The payload is valid until the next call. */
    boolean receive() throws IOException {
        final ByteBuffer head = in.bytes();
        if (!fill(head)) {
            return false;
        }
        in.verify(MAX_PAYLOAD);
        payload.clear().limit(in.payloadLength());
        if (!fill(payload) && in.payloadLength() > 0) {
            throw ReplicationException.retry(link.peer() + ": the link ended inside a frame", null);
        }
        payload.flip();
        receiveCrc.reset();
        receiveCrc.update(payload.duplicate());
        if (payload.hasRemaining() && (int) receiveCrc.getValue() != in.payloadCrc()) {
            throw ReplicationException.corrupt(link.peer() + ": the CRC32C of a frame does not match");
        }
        bytes.addAndGet(FrameHeader.LENGTH + payload.remaining());
        return true;
    }

    private boolean fill(final ByteBuffer into) throws IOException {
        final int wanted = into.remaining();
        while (into.hasRemaining()) {
            if (link.receive(into) < 0) {
                if (into.remaining() == wanted) {
                    return false;
                }
                throw ReplicationException.retry(link.peer() + ": the link ended inside a frame", null);
            }
        }
        return true;
    }

    /** Receives the frame that must come now; what the peer says about its failure is thrown. */
    void expect(final int type) throws IOException {
        do {
            if (!receive()) {
                throw ReplicationException.retry(link.peer() + ": ended the link", null);
            }
        } while (in.type() == WAIT);
        if (in.type() == FAILED) {
            throw failure();
        }
        if (in.type() != type) {
            throw ReplicationException.corrupt(
                    link.peer() + ": sent a frame of type " + in.type() + ", expected " + type);
        }
    }

    private ReplicationException failure() {
        final int category = payload.hasRemaining() ? payload.get() : -1;
        final boolean known = category >= 0 && category < CATEGORIES.size();
        return new ReplicationException(
                known ? CATEGORIES.get(category) : ReplicationException.Category.FAIL_JOB, link.peer() + ": " + text());
    }

    void sendFailure(final Exception failure) throws IOException {
        final byte[] message = String.valueOf(failure.getMessage()).getBytes(StandardCharsets.UTF_8);
        final ByteBuffer b = ByteBuffer.allocate(1 + Math.min(message.length, 4096));
        b.put((byte) CATEGORIES.indexOf(ReplicationException.categoryOf(failure)));
        b.put(message, 0, b.remaining());
        send(FAILED, 0, 0, 0, b.flip());
    }

    FrameHeader header() {
        return in;
    }

    ByteBuffer payload() {
        return payload;
    }

    /** Returns what is left of the payload as text. */
    String text() {
        return StandardCharsets.UTF_8.decode(payload.duplicate()).toString();
    }

    /** Greets, and checks that the other side speaks the same. */
    void greet() throws IOException {
        send(HELLO, VERSION, 0, 0, ByteBuffer.wrap(NAME.getBytes(StandardCharsets.US_ASCII)));
        expect(HELLO);
        if (in.stream() != VERSION || !text().equals(NAME)) {
            throw ReplicationException.misuse(link.peer() + ": is no 'dds --serve' of this version");
        }
    }

    @Override
    public void close() throws IOException {
        link.close();
    }
}
