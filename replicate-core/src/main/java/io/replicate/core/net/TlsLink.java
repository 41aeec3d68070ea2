package io.replicate.core.net;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A link over TLS records. Timeouts, and waking by close, are those of the link below.
 *
 * <p>Two locks, taken in this order: {@code sending} is held while records leave, {@code engineLock} only while the
 * engine computes, never while anything waits. A receiver that must answer (a key update) leaves the answer to a sender
 * that is busy, so that it never waits for one.
 */
final class TlsLink implements Link {
    private static final int NET_IN_BYTES = 64 << 10;
    private static final int NET_OUT_BYTES = 128 << 10;
    private static final Duration FAREWELL = Duration.ofMillis(500);
    private static final ByteBuffer[] NOTHING = {ByteBuffer.allocate(0)};

    private final Link below;
    private final SSLEngine engine;
    private final Object engineLock = new Object();
    private final ReentrantLock sending = new ReentrantLock();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Records as received; between position and limit. */
    private final ByteBuffer netIn = ByteBuffer.allocateDirect(NET_IN_BYTES).limit(0);
    /** Records to be sent; guarded by {@link #sending}. */
    private final ByteBuffer netOut = ByteBuffer.allocateDirect(NET_OUT_BYTES);
    /** Bytes that no receiver had room for; between position and limit. */
    private final ByteBuffer appIn;

    private volatile boolean answerIsDue;
    private volatile Duration idle = Links.DEFAULT_TIMEOUT;
    private volatile Peer peer;

    TlsLink(final Link below, final SSLEngine engine) {
        this.below = below;
        this.engine = engine;
        this.peer = below.peer();
        this.appIn = ByteBuffer.allocate(2 * engine.getSession().getApplicationBufferSize())
                .limit(0);
    }

    /** Runs the handshake, all of it within the deadline however slowly the peer speaks. */
    void handshake(final Deadline deadline) throws IOException {
        try {
            engine.beginHandshake();
            while (true) {
                switch (engine.getHandshakeStatus()) {
                    case NEED_TASK -> runTasks();
                    case NEED_WRAP -> {
                        below.timeout(left(deadline));
                        sendRecords(NOTHING);
                    }
                    case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                        if (unwrap(appIn.clear()).getStatus() == Status.BUFFER_UNDERFLOW) {
                            below.timeout(left(deadline));
                            fill();
                        }
                        appIn.flip();
                    }
                    default -> {
                        return;
                    }
                }
            }
        } catch (final SSLException e) {
            sayWhy();
            throw TlsErrors.handshake(peer, !engine.getUseClientMode(), e);
        }
    }

    private Duration left(final Deadline deadline) throws ReplicationException {
        if (deadline.passed()) {
            throw ReplicationException.retry("tls: " + peer + " did not finish its handshake in time", null);
        }
        return deadline.left();
    }

    private void runTasks() {
        Runnable task = engine.getDelegatedTask();
        while (task != null) {
            task.run();
            task = engine.getDelegatedTask();
        }
    }

    /** Sends the alert that the engine has made of a failure. The peer may be gone; then nobody reads it. */
    private void sayWhy() {
        try {
            sendRecords(NOTHING);
        } catch (final IOException e) {
            // the failure itself is what counts
        }
    }

    @Override
    public int receive(final ByteBuffer into) throws IOException {
        if (!into.hasRemaining()) {
            throw new IllegalArgumentException("receive into a full buffer");
        }
        @Nullable Deadline silence = null;
        while (true) {
            throwIfClosed("receive from");
            if (appIn.hasRemaining()) {
                return deliver(into);
            }
            final int begin = into.position();
            final SSLEngineResult result = decrypt(into);
            if (into.position() > begin) {
                return into.position() - begin;
            }
            if (!appIn.hasRemaining()) {
                if (result.getStatus() == Status.CLOSED) {
                    return -1;
                }
                // Empty records and new keys are no content: a peer must not hold us with them.
                if (silence == null) {
                    silence = Deadline.in(idle);
                } else if (silence.passed()) {
                    throw Links.idle("receive from", peer, "no content came", idle.toMillis());
                }
                if (result.getStatus() == Status.BUFFER_UNDERFLOW) {
                    fill();
                }
            }
        }
    }

    private int deliver(final ByteBuffer into) {
        final int n = Math.min(into.remaining(), appIn.remaining());
        into.put(appIn.slice(appIn.position(), n));
        appIn.position(appIn.position() + n);
        return n;
    }

    /** Decrypts one record, straight to the caller where it fits. */
    private SSLEngineResult decrypt(final ByteBuffer into) throws IOException {
        final boolean straight = into.remaining() >= engine.getSession().getApplicationBufferSize();
        try {
            final SSLEngineResult result = unwrap(straight ? into : appIn.clear());
            if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                answerIsDue = true;
            }
            return result;
        } catch (final SSLException e) {
            sayWhyUnlessBusy();
            throw TlsErrors.stream("receive from", peer, e);
        } finally {
            if (!straight) {
                appIn.flip();
            }
            answer();
        }
    }

    private void sayWhyUnlessBusy() {
        if (sending.tryLock()) {
            try {
                sayWhy();
            } finally {
                sending.unlock();
            }
        }
    }

    private SSLEngineResult unwrap(final ByteBuffer into) throws SSLException {
        synchronized (engineLock) {
            final SSLEngineResult result = engine.unwrap(netIn, into);
            runTasks();
            return result;
        }
    }

    private void fill() throws IOException {
        netIn.compact();
        try {
            if (below.receive(netIn) < 0) {
                throw ReplicationException.retry(
                        "receive from " + peer + ": the stream was cut off; TLS did not end it", new EOFException());
            }
        } finally {
            netIn.flip();
        }
    }

    @Override
    public void send(final ByteBuffer... buffers) throws IOException {
        throwIfClosed("send to");
        sending.lock();
        try {
            sendRecords(buffers);
        } catch (final SSLException e) {
            throw TlsErrors.stream("send to", peer, e);
        } finally {
            sending.unlock();
        }
        answer();
    }

    /** Encrypts and sends all that remains, and whatever the engine itself has to say. */
    private void sendRecords(final ByteBuffer[] buffers) throws IOException {
        sending.lock();
        try {
            boolean more = true;
            while (more) {
                netOut.clear();
                more = encrypt(buffers);
                if (netOut.flip().hasRemaining()) {
                    below.send(netOut);
                }
            }
        } finally {
            sending.unlock();
        }
    }

    /** Fills {@link #netOut} and returns whether there is more. */
    private boolean encrypt(final ByteBuffer[] buffers) throws IOException {
        synchronized (engineLock) {
            while (true) {
                final SSLEngineResult result = engine.wrap(buffers, netOut);
                switch (result.getStatus()) {
                    case BUFFER_OVERFLOW -> {
                        return true;
                    }
                    case CLOSED -> {
                        if (remains(buffers)) {
                            throw ReplicationException.retry("send to " + peer + ": the stream is ended", null);
                        }
                        return false;
                    }
                    default -> runTasks();
                }
                if (!remains(buffers)) {
                    if (result.getHandshakeStatus() != HandshakeStatus.NEED_WRAP) {
                        return false;
                    }
                } else if (result.bytesConsumed() == 0 && result.bytesProduced() == 0) {
                    throw ReplicationException.fail(
                            "send to " + peer + ": the peer renegotiates, which is refused", null);
                }
            }
        }
    }

    private static boolean remains(final ByteBuffer[] buffers) {
        for (final ByteBuffer buffer : buffers) {
            if (buffer.hasRemaining()) {
                return true;
            }
        }
        return false;
    }

    /** Sends what a received record has asked for, unless a sender is busy, who then does it. */
    private void answer() throws IOException {
        while (answerIsDue && sending.tryLock()) {
            try {
                answerIsDue = false;
                sendRecords(NOTHING);
            } catch (final SSLException e) {
                throw TlsErrors.stream("answer", peer, e);
            } finally {
                sending.unlock();
            }
        }
    }

    @Override
    public void send(final Block... blocks) throws IOException {
        Links.sendAsBuffers(this, blocks);
    }

    @Override
    public long sendFile(final FileSlice slice) throws IOException {
        return FileSender.copy(Posix.get(), this, slice);
    }

    @Override
    public void timeout(final Duration wait) {
        idle = wait;
        below.timeout(wait);
    }

    @Override
    public void shutdownOutput() throws IOException {
        throwIfClosed("end the stream to");
        sending.lock();
        try {
            synchronized (engineLock) {
                engine.closeOutbound();
            }
            sendRecords(NOTHING);
        } finally {
            sending.unlock();
        }
    }

    void peer(final Peer proven) {
        peer = proven;
    }

    @Override
    public Peer peer() {
        return peer;
    }

    private void throwIfClosed(final String what) throws ReplicationException {
        if (closed.get()) {
            throw Links.closed(what, peer);
        }
    }

    /** Closes without a word. */
    void abort() throws IOException {
        closed.set(true);
        below.close();
    }

    @Override
    public void close() throws IOException {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            if (sending.tryLock()) {
                try {
                    below.timeout(FAREWELL);
                    synchronized (engineLock) {
                        engine.closeOutbound();
                    }
                    sayWhy();
                } finally {
                    sending.unlock();
                }
            }
        } finally {
            below.close();
        }
    }

    @Override
    public String toString() {
        return peer.toString();
    }
}
