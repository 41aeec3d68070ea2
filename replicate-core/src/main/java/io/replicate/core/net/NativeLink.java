package io.replicate.core.net;

import io.netty.channel.unix.Socket;
import io.replicate.core.block.Block;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket as a plain descriptor. The descriptor is non-blocking; waiting is done by poll(2), so that every wait
 * has an end and {@link #close()} is noticed: it shuts the socket down, which wakes both directions, and the number is
 * given back to the kernel when the last call has left.
 */
final class NativeLink implements Link {
    private static final int SCRATCH_BYTES = 64 << 10;
    private static final int MAX_SENDFILE_BYTES = 1 << 30;

    private final Posix posix;
    private final Socket socket;
    private final Fd fd;
    private final Peer peer;
    private final IoVectors vectors;
    private @Nullable ByteBuffer sendScratch;
    private @Nullable ByteBuffer receiveScratch;
    private volatile int timeoutMs = Deadline.toMs(Links.DEFAULT_TIMEOUT);

    NativeLink(final Posix posix, final Socket socket, final Fd fd, final Peer peer) {
        this.posix = posix;
        this.socket = socket;
        this.fd = fd;
        this.peer = peer;
        this.vectors = new IoVectors(posix);
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
        return into.isDirect() ? receiveDirect(into) : receiveThroughScratch(into);
    }

    private int receiveDirect(final ByteBuffer into) throws IOException {
        final int number = acquire("receive from");
        try {
            final long address = posix.addressOf(into) + into.position();
            while (true) {
                final long n = posix.read(number, address, into.remaining());
                if (n > 0) {
                    into.position(into.position() + (int) n);
                    return (int) n;
                }
                if (n == 0) {
                    throwIfClosed("receive from");
                    return -1;
                }
                if (n != -Errnos.EAGAIN) {
                    throw failure("receive from", (int) -n);
                }
                await(number, Linux.POLLIN, "receive from", "nothing came");
            }
        } finally {
            fd.release();
            Reference.reachabilityFence(into);
        }
    }

    private int receiveThroughScratch(final ByteBuffer into) throws IOException {
        if (receiveScratch == null) {
            receiveScratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
        }
        final ByteBuffer scratch = receiveScratch.clear().limit(Math.min(SCRATCH_BYTES, into.remaining()));
        final int n = receiveDirect(scratch);
        into.put(scratch.flip());
        return n;
    }

    @Override
    public void send(final Block... blocks) throws IOException {
        try {
            int next = 0;
            while (next < blocks.length) {
                vectors.clear();
                for (; next < blocks.length && !vectors.isFull(); next++) {
                    vectors.add(blocks[next].address(), blocks[next].length());
                }
                sendVectors(0);
            }
        } finally {
            for (final Block block : blocks) {
                block.release();
            }
        }
    }

    @Override
    public void send(final ByteBuffer... buffers) throws IOException {
        send(0, buffers);
    }

    private void send(final int flags, final ByteBuffer... buffers) throws IOException {
        try {
            int next = 0;
            while (next < buffers.length) {
                final int end = gather(buffers, next);
                if (end == next) {
                    sendThroughScratch(flags, buffers[next++]);
                    continue;
                }
                sendVectors(flags);
                for (; next < end; next++) {
                    buffers[next].position(buffers[next].limit());
                }
            }
        } finally {
            Reference.reachabilityFence(buffers);
        }
    }

    /** Fills the vectors. Small heap buffers, headers mostly, are copied aside so that they leave in the same call. */
    private int gather(final ByteBuffer[] buffers, final int begin) {
        vectors.clear();
        int next = begin;
        int copied = 0;
        for (; next < buffers.length && !vectors.isFull(); next++) {
            final ByteBuffer buffer = buffers[next];
            final int length = buffer.remaining();
            if (buffer.isDirect()) {
                vectors.add(posix.addressOf(buffer) + buffer.position(), length);
            } else if (length <= SCRATCH_BYTES - copied) {
                final ByteBuffer scratch = sendScratch();
                scratch.put(copied, buffer, buffer.position(), length);
                vectors.add(posix.addressOf(scratch) + copied, length);
                copied += length;
            } else {
                break;
            }
        }
        return next;
    }

    private void sendThroughScratch(final int flags, final ByteBuffer buffer) throws IOException {
        final ByteBuffer scratch = sendScratch();
        while (buffer.hasRemaining()) {
            final int length = Math.min(SCRATCH_BYTES, buffer.remaining());
            scratch.put(0, buffer, buffer.position(), length);
            vectors.clear();
            vectors.add(posix.addressOf(scratch), length);
            sendVectors(flags);
            buffer.position(buffer.position() + length);
        }
    }

    private ByteBuffer sendScratch() {
        if (sendScratch == null) {
            sendScratch = ByteBuffer.allocateDirect(SCRATCH_BYTES);
        }
        return sendScratch;
    }

    private void sendVectors(final int flags) throws IOException {
        final int number = acquire("send to");
        try {
            while (vectors.count() > 0) {
                final long n = writeVectors(number, flags);
                if (n > 0) {
                    vectors.consume(n);
                } else if (n == 0 || n == -Errnos.EAGAIN) {
                    await(number, Linux.POLLOUT, "send to", "the peer took nothing");
                } else {
                    throw failure("send to", (int) -n);
                }
            }
        } finally {
            fd.release();
        }
    }

    private long writeVectors(final int number, final int flags) throws IOException {
        if (flags != 0) {
            return posix.send(number, vectors.firstBase(), vectors.firstLength(), flags);
        }
        if (vectors.count() == 1) {
            return posix.write(number, vectors.firstBase(), vectors.firstLength());
        }
        try {
            return socket.writevAddresses(vectors.address(), vectors.count());
        } catch (final IOException e) {
            throwIfClosed("send to");
            throw ReplicationException.retry("send to " + peer + ": " + NativeSockets.reason(e), e);
        }
    }

    @Override
    public long sendFile(final ByteBuffer head, final FileSlice slice) throws IOException {
        send(slice.length() > 0 ? Linux.MSG_MORE : 0, head);
        return sendFile(slice);
    }

    @Override
    public long sendFile(final FileSlice slice) throws IOException {
        final int number = acquire("send a file to");
        long done = 0;
        try {
            while (done < slice.length()) {
                final long n = posix.sendfile(
                        number, slice.fd(), slice.offset() + done, Math.min(MAX_SENDFILE_BYTES, slice.length() - done));
                if (n > 0) {
                    done += n;
                } else if (n == -Errnos.EAGAIN) {
                    await(number, Linux.POLLOUT, "send a file to", "the peer took nothing");
                } else if (n == -Errnos.EINVAL || Errnos.isUnsupported((int) -n)) {
                    break;
                } else if (n == 0) {
                    throw FileSender.ended(slice, done);
                } else {
                    throw failure("send a file to", (int) -n);
                }
            }
        } finally {
            fd.release();
        }
        // files that have no sendfile are read and sent
        return done == slice.length() ? done : done + FileSender.copy(posix, this, FileSender.rest(slice, done));
    }

    @Override
    public Optional<Fd> fd() {
        return Optional.of(fd);
    }

    @Override
    public void shutdownOutput() throws IOException {
        final int number = acquire("end the stream to");
        try {
            final int result = posix.shutdown(number, Linux.SHUT_WR);
            if (result < 0) {
                throw failure("end the stream to", -result);
            }
        } finally {
            fd.release();
        }
    }

    @Override
    public Peer peer() {
        return peer;
    }

    @Override
    public void close() throws IOException {
        NativeSockets.shutdownAndClose(posix, fd);
    }

    private int acquire(final String what) throws IOException {
        try {
            return fd.acquire();
        } catch (final PosixException e) {
            throw Links.closed(what, peer);
        }
    }

    private void await(final int number, final int events, final String what, final String nothing) throws IOException {
        final int waitMs = timeoutMs;
        final int ready = posix.poll(number, events, waitMs);
        throwIfClosed(what);
        if (ready == 0) {
            throw Links.idle(what, peer, nothing, waitMs);
        }
        if (ready < 0) {
            throw failure(what, -ready);
        }
    }

    private void throwIfClosed(final String what) throws IOException {
        if (!fd.isOpen()) {
            throw Links.closed(what, peer);
        }
    }

    private IOException failure(final String what, final int errno) {
        return fd.isOpen()
                ? ReplicationException.retry(what + " " + peer + ": " + Errnos.name(errno), null)
                : Links.closed(what, peer);
    }

    @Override
    public String toString() {
        return peer.toString();
    }
}
