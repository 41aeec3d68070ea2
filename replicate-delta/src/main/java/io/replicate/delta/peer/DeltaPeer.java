package io.replicate.delta.peer;

import io.replicate.core.job.Retry;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.ResumeMismatchException;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.frame.FramedOutput;
import io.replicate.delta.tree.TreeReader;
import io.replicate.delta.tree.TreeShape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A target, or a source, that another process serves: {@code dds --serve}. Used by one thread. */
public final class DeltaPeer implements TreeReader, RandomBytes {
    private static final int STREAM_BYTES = 128 << 10;
    private static final Duration CONNECT = Duration.ofSeconds(30);

    private final Transport transport;
    private final Wire wire;
    private final long imageBytes;
    private final String generation;
    private final boolean writable;
    private final TreeShape shape;

    private DeltaPeer(final Transport transport, final Wire wire) throws IOException {
        this.transport = transport;
        this.wire = wire;
        wire.greet();
        wire.send(Wire.ASK_INFO);
        wire.expect(Wire.INFO);
        this.imageBytes = wire.header().position();
        this.writable = wire.payload().hasRemaining() && wire.payload().get() == 1;
        this.generation = wire.text();
        this.shape = new TreeShape(imageBytes, TreeShape.DEFAULT_LEAF_BYTES);
    }

    /** Returns whether locators of this scheme lead to a peer. */
    public static boolean isPeer(final Locator locator) {
        return switch (locator.scheme()) {
            case "tcp", "tls", "unix", "exec" -> true;
            default -> false;
        };
    }

    /** Connects to a peer. */
    public static DeltaPeer connect(final Locator locator) throws IOException {
        final Transport transport = Providers.transport(locator);
        try {
            final Link link = transport.connect(locator, CONNECT);
            try {
                return new DeltaPeer(transport, new Wire(link));
            } catch (final IOException | RuntimeException e) {
                try (link) {
                    throw e;
                }
            }
        } catch (final IOException | RuntimeException e) {
            try (transport) {
                throw e;
            }
        }
    }

    /** Returns the generation that is served; empty when it is not known. */
    public String generation() {
        return generation;
    }

    /** Returns how many bytes went over the link so far. */
    public long exchangedBytes() {
        return wire.bytes();
    }

    @Override
    public TreeShape shape() {
        return shape;
    }

    @Override
    public byte[] page(final int level, final long page) throws IOException {
        wire.send(Wire.ASK_PAGE, level, page, 0, ByteBuffer.allocate(0));
        wire.expect(Wire.PAGE);
        final byte[] hashes = new byte[shape.pageCount(level, page) * TreeShape.HASH_BYTES];
        if (wire.payload().remaining() != hashes.length) {
            throw ReplicationException.corrupt("the peer sent a page of the wrong length");
        }
        wire.payload().get(hashes);
        return hashes;
    }

    @Override
    public long size() {
        return imageBytes;
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        long at = offset;
        while (into.hasRemaining()) {
            final int n = Math.min(into.remaining(), Wire.MAX_PAYLOAD);
            wire.send(Wire.ASK_DATA, 0, at, n, ByteBuffer.allocate(0));
            wire.expect(Wire.DATA);
            if (wire.payload().remaining() != n || wire.header().position() != at) {
                throw ReplicationException.corrupt("the peer sent other data than it was asked for");
            }
            into.put(wire.payload());
            at += n;
        }
    }

    /** Writes a stream to a channel. */
    public interface StreamSource {
        /**
         * Writes a stream: all of it, or what follows a token.
         *
         * @param token of what the peer has; null when it has nothing of this delta.
         */
        void write(WritableByteChannel out, @Nullable ResumeToken token) throws IOException;
    }

    /**
     * Sends a delta, from where the peer has it, and waits until it is merged.
     *
     * @return the generation that the target is at now.
     */
    public String push(final StreamSource source) throws IOException {
        return push(source, false);
    }

    /**
     * Sends a delta to a peer; connects again and goes on when the link is lost, and begins again when what the peer has
     * is of another delta.
     *
     * @param budget how long to try.
     * @return the generation that the target is at now.
     */
    public static String push(
            final Locator locator, final StreamSource source, final Duration budget, final Cancellation cancellation)
            throws IOException {
        return new Retry(budget, cancellation).call(() -> {
            try (DeltaPeer peer = connect(locator)) {
                return peer.push(source, false);
            } catch (final ResumeMismatchException e) {
                try (DeltaPeer peer = connect(locator)) {
                    return peer.push(source, true);
                }
            }
        });
    }

    private String push(final StreamSource source, final boolean fresh) throws IOException {
        if (!writable) {
            throw ReplicationException.misuse("the peer serves its image for reading only");
        }
        wire.send(Wire.PUSH, fresh ? 1 : 0, "");
        wire.expect(Wire.GO);
        final String text = wire.text();
        try (Heartbeat alive = new Heartbeat(wire)) { // what the peer has is read again, and nothing sent meanwhile
            stream(source, text);
        } catch (final ResumeMismatchException e) {
            throw e;
        } catch (final IOException e) {
            throw reasonOf(e);
        }
        wire.expect(Wire.MERGED);
        return wire.text();
    }

    private void stream(final StreamSource source, final String tokenText) throws IOException {
        final Sender sender = new Sender();
        final FramedOutput framed = new FramedOutput(sender);
        source.write(framed, tokenText.isEmpty() ? null : ResumeToken.parse(tokenText));
        framed.finish();
        sender.drain();
        wire.send(Wire.STREAM_END);
    }

    /** A peer that refuses says why and ends the link; the reason is worth more than the broken pipe. */
    private IOException reasonOf(final IOException failure) {
        try {
            wire.link().timeout(Duration.ofSeconds(2));
            wire.expect(Wire.MERGED);
            return failure;
        } catch (final IOException e) {
            final boolean said = ReplicationException.categoryOf(e) != ReplicationException.Category.RETRY
                    && ReplicationException.categoryOf(failure) != ReplicationException.Category.MISUSE;
            return said ? e : failure;
        }
    }

    private final class Sender implements WritableByteChannel {
        private final ByteBuffer block = ByteBuffer.allocateDirect(STREAM_BYTES);
        private long position;

        @Override
        public int write(final ByteBuffer from) throws IOException {
            final int length = from.remaining();
            while (from.hasRemaining()) {
                final int n = Math.min(block.remaining(), from.remaining());
                block.put(from.slice(from.position(), n));
                from.position(from.position() + n);
                if (!block.hasRemaining()) {
                    drain();
                }
            }
            return length;
        }

        void drain() throws IOException {
            block.flip();
            if (block.hasRemaining()) {
                final int n = block.remaining();
                wire.send(Wire.STREAM, 0, position, 0, block);
                position += n;
            }
            block.clear();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Override
    public void close() throws IOException {
        try (transport;
                wire) {
            return;
        }
    }
}
