package io.replicate.delta.peer;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.tree.TreeReader;
import io.replicate.delta.tree.TreeShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers peers, one after the other. */
public final class DeltaServer {
    private static final Logger log = LoggerFactory.getLogger(DeltaServer.class);
    private static final Duration LOOK = Duration.ofMillis(250);

    private final Served served;
    private final Cancellation cancellation;

    /** Creates a server of something, until the cancellation. */
    public DeltaServer(final Served served, final Cancellation cancellation) {
        this.served = served;
        this.cancellation = cancellation;
    }

    /** Accepts and answers peers until it is cancelled; a peer that fails never ends the server. */
    public void run(final Listener listener) throws IOException {
        while (!cancellation.isRequested()) {
            final @Nullable Link link = listener.accept(LOOK);
            if (link != null) {
                answer(link);
            }
        }
    }

    /** Answers one peer until it ends the link. */
    public void answer(final Link link) {
        try (Wire wire = new Wire(link)) {
            try {
                wire.greet();
                served.newSession();
                while (!cancellation.isRequested() && wire.receive()) {
                    one(wire);
                }
            } catch (final IOException | RuntimeException e) {
                log.info("{}: {}", link.peer(), e.getMessage());
                wire.sendFailure(e);
            }
        } catch (final IOException e) {
            log.debug("{}: {}", link.peer(), e.getMessage());
        }
    }

    private void one(final Wire wire) throws IOException {
        switch (wire.header().type()) {
            case Wire.ASK_INFO -> info(wire);
            case Wire.ASK_PAGE ->
                page(wire, wire.header().stream(), wire.header().position());
            case Wire.ASK_DATA ->
                data(wire, wire.header().position(), wire.header().extentLength());
            case Wire.PUSH -> push(wire, wire.header().position() == 1);
            case Wire.WAIT -> {} // the last heartbeat of a push
            default ->
                throw ReplicationException.corrupt(
                        "a frame of type " + wire.header().type() + " is no question");
        }
    }

    private void info(final Wire wire) throws IOException {
        final byte[] generation = served.generation().getBytes(StandardCharsets.US_ASCII);
        final ByteBuffer payload = ByteBuffer.allocate(1 + generation.length);
        payload.put((byte) (served.writable() ? 1 : 0)).put(generation);
        wire.send(Wire.INFO, 0, served.imageBytes(), 0, payload.flip());
    }

    private void page(final Wire wire, final int level, final long page) throws IOException {
        final TreeReader tree;
        try (Heartbeat alive = new Heartbeat(wire)) {
            tree = served.tree();
        }
        final TreeShape shape = tree.shape();
        if (level >= shape.levels() || page * TreeShape.FAN_OUT >= shape.count(level)) {
            throw ReplicationException.misuse("there is no page " + page + " of level " + level);
        }
        wire.send(Wire.PAGE, level, page, 0, ByteBuffer.wrap(tree.page(level, page)));
    }

    private void data(final Wire wire, final long offset, final long length) throws IOException {
        if (length < 1 || length > Wire.MAX_PAYLOAD || offset > served.image().size() - length) {
            throw ReplicationException.misuse("there are no " + length + " bytes at offset " + offset);
        }
        final ByteBuffer bytes = ByteBuffer.allocateDirect((int) length);
        served.image().read(offset, bytes);
        wire.send(Wire.DATA, 0, offset, 0, bytes.flip());
    }

    private void push(final Wire wire, final boolean fresh) throws IOException {
        if (!served.writable()) {
            throw ReplicationException.misuse("this image is served for reading only");
        }
        final @Nullable ResumeToken token = fresh ? null : served.position();
        wire.send(Wire.GO, 0, token == null ? "" : token.toString());
        final Merged merged;
        try (Heartbeat alive = new Heartbeat(wire)) {
            merged = served.merge(new Incoming(wire));
        }
        wire.send(Wire.MERGED, merged.writtenBytes(), merged.generation());
    }

    /** The stream of a push. While its end is applied the peer is told that we are alive. */
    private static final class Incoming implements ReadableByteChannel {
        private final Wire wire;
        private ByteBuffer bytes = ByteBuffer.allocate(0);
        private boolean ended;

        Incoming(final Wire wire) {
            this.wire = wire;
        }

        @Override
        public int read(final ByteBuffer into) throws IOException {
            while (!ended && !bytes.hasRemaining()) {
                if (!wire.receive()) {
                    throw ReplicationException.retry("the peer went away", null);
                }
                switch (wire.header().type()) {
                    case Wire.STREAM -> bytes = wire.payload();
                    case Wire.STREAM_END -> ended = true;
                    case Wire.WAIT -> {}
                    default ->
                        throw ReplicationException.corrupt(
                                "a frame of type " + wire.header().type() + " inside a stream");
                }
            }
            if (!bytes.hasRemaining()) {
                return -1;
            }
            final int n = Math.min(bytes.remaining(), into.remaining());
            into.put(bytes.slice(bytes.position(), n));
            bytes.position(bytes.position() + n);
            return n;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
