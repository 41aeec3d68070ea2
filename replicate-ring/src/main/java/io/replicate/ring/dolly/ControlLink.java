package io.replicate.ring.dolly;

import io.replicate.core.net.Links;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A control connection: never relies on how bytes arrive, and sends each message in one write, as peers do rely on it.
 * One thread reads; any thread writes.
 */
final class ControlLink implements AutoCloseable {
    static final Duration FOR_EVER = Duration.ofDays(20);

    private static final int BUFFER_BYTES = 64 << 10;

    private final Link link;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);

    ControlLink(final Link link) {
        this.link = link;
        link.timeout(FOR_EVER);
    }

    String peer() {
        return link.peer().address();
    }

    /** Returns the peer's address without its port. */
    String peerHost() {
        return hostOf(link);
    }

    static String hostOf(final Link link) {
        final String address = link.peer().address();
        return address.substring(0, Math.max(0, address.lastIndexOf(':')));
    }

    /** Sends one message. */
    void write(final byte[] message) throws IOException {
        synchronized (link) {
            link.send(ByteBuffer.wrap(message));
        }
    }

    void writeLine(final String line) throws IOException {
        write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Returns how many bytes have arrived and were not taken. */
    int available() {
        return in.remaining();
    }

    /** Waits for more bytes; false when the peer has ended its stream. */
    boolean fill(final Duration wait) throws IOException {
        if (in.remaining() == BUFFER_BYTES) {
            throw ReplicationException.corrupt("control message of " + peer() + " is longer than " + BUFFER_BYTES);
        }
        link.timeout(wait);
        in.compact();
        try {
            return link.receive(in) >= 0;
        } finally {
            in.flip();
        }
    }

    /** As {@link #fill(Duration)}, but silence is no failure: true when something came, or nothing did. */
    boolean fillOrWait(final Duration wait) throws IOException {
        try {
            return fill(wait);
        } catch (final IOException e) {
            if (Links.isTimeout(e)) {
                return true;
            }
            throw e;
        }
    }

    /** Returns the next bytes, exactly so many, or null when the peer ended its stream before the first of them. */
    byte @Nullable [] takeOrEnd(final int count, final Duration wait) throws IOException {
        while (in.remaining() < count) {
            if (!fill(wait)) {
                if (in.hasRemaining()) {
                    throw ReplicationException.retry(
                            peer() + " ended the control connection in the middle of a message", null);
                }
                return null;
            }
        }
        return take(count);
    }

    /** Returns the next bytes, exactly so many. */
    byte[] exactly(final int count, final Duration wait, final String what) throws IOException {
        final byte[] bytes = takeOrEnd(count, wait);
        if (bytes == null) {
            throw ReplicationException.retry(peer() + " ended the control connection instead of " + what, null);
        }
        return bytes;
    }

    /** Returns bytes that have arrived. */
    byte[] take(final int count) {
        final byte[] bytes = new byte[count];
        in.get(bytes);
        return bytes;
    }

    /** Returns a byte that has arrived, without taking it. */
    byte peek(final int index) {
        return in.get(in.position() + index);
    }

    /** Takes a line that has arrived, without its end; null when there is none yet. */
    @Nullable
    String pollLine() {
        for (int i = 0; i < in.remaining(); i++) {
            if (peek(i) == '\n') {
                final byte[] line = take(i + 1);
                return new String(line, 0, i, StandardCharsets.UTF_8);
            }
        }
        return null;
    }

    /** Takes the next line, without its end; null when the peer ended its stream before. */
    @Nullable
    String line(final Duration wait) throws IOException {
        while (true) {
            final String line = pollLine();
            if (line != null) {
                return line;
            }
            if (!fill(wait)) {
                return null;
            }
        }
    }

    @Override
    public void close() throws IOException {
        link.close();
    }
}
