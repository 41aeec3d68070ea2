package io.replicate.core.net;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Pipe;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A link over one descriptor to read from and one to write to, both non-blocking. A pipe has no shutdown(2) that would
 * wake whoever waits for it, so that every poll(2) looks at a second pipe as well, which {@link #close()} writes to.
 */
final class PipeLink implements Link {
    private static final int SCRATCH_BYTES = 64 << 10;
    private static final int POLLFD_BYTES = 8;
    private static final int EVENTS_OFFSET = 4;
    private static final int REVENTS_OFFSET = 6;

    private final Posix posix;
    private final Fd input;
    private final Fd output;
    private final Peer peer;
    private final Pipe wake;
    private final ByteBuffer inputPoll = pollfds();
    private final ByteBuffer outputPoll = pollfds();
    private @Nullable ByteBuffer sendScratch;
    private @Nullable ByteBuffer receiveScratch;
    private volatile boolean closed;
    private volatile int timeoutMs = Deadline.toMs(Links.DEFAULT_TIMEOUT);

    /** Takes over both descriptors; they are closed when this fails. */
    PipeLink(final Posix posix, final Fd input, final Fd output, final Peer peer) throws IOException {
        this.posix = posix;
        this.input = input;
        this.output = output;
        this.peer = peer;
        try {
            this.wake = Pipe.open(posix, 1, true);
        } catch (final IOException e) {
            try (output) {
                input.close();
            }
            throw e;
        }
    }

    private static ByteBuffer pollfds() {
        return ByteBuffer.allocateDirect(2 * POLLFD_BYTES).order(ByteOrder.nativeOrder());
    }

    @Override
    public void timeout(final Duration idle) {
        timeoutMs = Deadline.toMs(idle);
    }

    @Override
    public int receive(final ByteBuffer into) throws IOException {
        if (!into.hasRemaining()) {
            throw new IllegalArgumentException("receive into a full buffer");
        }
        if (into.isDirect()) {
            return receiveDirect(into);
        }
        if (receiveScratch == null) {
            receiveScratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
        }
        final ByteBuffer scratch = receiveScratch.clear().limit(Math.min(SCRATCH_BYTES, into.remaining()));
        final int n = receiveDirect(scratch);
        into.put(scratch.flip());
        return n;
    }

    private int receiveDirect(final ByteBuffer into) throws IOException {
        final String what = "receive from";
        final int number = acquire(input, what);
        try {
            while (true) {
                throwIfClosed(what);
                final long n = posix.read(number, posix.addressOf(into) + into.position(), into.remaining());
                if (n > 0) {
                    into.position(into.position() + (int) n);
                    return (int) n;
                }
                if (n == 0) {
                    throwIfClosed(what);
                    return -1;
                }
                if (n != -Errnos.EAGAIN) {
                    throw failure(what, (int) -n);
                }
                await(inputPoll, number, Linux.POLLIN, what, "nothing came");
            }
        } finally {
            input.release();
            Reference.reachabilityFence(into);
        }
    }

    @Override
    public void send(final ByteBuffer... buffers) throws IOException {
        for (final ByteBuffer buffer : buffers) {
            if (buffer.isDirect()) {
                sendDirect(buffer);
            } else {
                sendThroughScratch(buffer);
            }
        }
    }

    private void sendThroughScratch(final ByteBuffer buffer) throws IOException {
        if (sendScratch == null) {
            sendScratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
        }
        while (buffer.hasRemaining()) {
            final int length = Math.min(SCRATCH_BYTES, buffer.remaining());
            sendScratch.clear().put(0, buffer, buffer.position(), length);
            sendDirect(sendScratch.limit(length));
            buffer.position(buffer.position() + length);
        }
    }

    private void sendDirect(final ByteBuffer from) throws IOException {
        final String what = "send to";
        final int number = acquire(output, what);
        try {
            while (from.hasRemaining()) {
                throwIfClosed(what);
                final long n = posix.write(number, posix.addressOf(from) + from.position(), from.remaining());
                if (n > 0) {
                    from.position(from.position() + (int) n);
                } else if (n == -Errnos.EAGAIN || n == 0) {
                    await(outputPoll, number, Linux.POLLOUT, what, "the peer took nothing");
                } else {
                    throw failure(what, (int) -n);
                }
            }
        } finally {
            output.release();
            Reference.reachabilityFence(from);
        }
    }

    @Override
    public void send(final Block... blocks) throws IOException {
        Links.sendAsBuffers(this, blocks);
    }

    @Override
    public long sendFile(final FileSlice slice) throws IOException {
        return FileSender.copy(posix, this, slice);
    }

    private void await(
            final ByteBuffer pollfds, final int number, final int events, final String what, final String nothing)
            throws IOException {
        final int waitMs = timeoutMs;
        final int wakeNumber = acquire(wake.source(), what);
        try {
            set(pollfds, 0, number, events);
            set(pollfds, POLLFD_BYTES, wakeNumber, Linux.POLLIN);
            final int ready = posix.poll(posix.addressOf(pollfds), 2, waitMs);
            throwIfClosed(what);
            if (ready == 0) {
                throw Links.idle(what, peer, nothing, waitMs);
            }
            if (ready < 0) {
                throw failure(what, -ready);
            }
        } finally {
            wake.source().release();
        }
    }

    private static void set(final ByteBuffer pollfds, final int offset, final int number, final int events) {
        pollfds.putInt(offset, number)
                .putShort(offset + EVENTS_OFFSET, (short) events)
                .putShort(offset + REVENTS_OFFSET, (short) 0);
    }

    @Override
    public void shutdownOutput() throws IOException {
        throwIfClosed("end the stream to");
        output.close();
    }

    @Override
    public Peer peer() {
        return peer;
    }

    private int acquire(final Fd fd, final String what) throws IOException {
        try {
            return fd.acquire();
        } catch (final PosixException e) {
            throwIfClosed(what);
            throw ReplicationException.retry(what + " " + peer + ": the stream is ended", e);
        }
    }

    private void throwIfClosed(final String what) throws IOException {
        if (closed) {
            throw Links.closed(what, peer);
        }
    }

    private IOException failure(final String what, final int errno) {
        return closed
                ? Links.closed(what, peer)
                : ReplicationException.retry(what + " " + peer + ": " + Errnos.name(errno), null);
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try (input;
                output;
                wake) {
            final int number = wake.sink().acquire();
            try {
                posix.write(number, posix.addressOf(inputPoll), 1);
            } finally {
                wake.sink().release();
            }
        } catch (final PosixException e) {
            // closed by another thread at the same moment
        }
    }

    @Override
    public String toString() {
        return peer.toString();
    }
}
