package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Hands the bytes of blocks to a thread that wants an input stream. */
final class PipedBlocks extends InputStream {
    private static final byte[] END = new byte[0];
    private static final long TICK_MS = 200;

    private final ArrayBlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(8);
    private final AtomicReference<@Nullable IOException> readerFailure = new AtomicReference<>();
    private volatile boolean aborted;
    private byte[] current = new byte[0];
    private int at;
    private boolean ended;

    void put(final Block block) throws IOException {
        final byte[] bytes = new byte[block.length()];
        block.bytes().get(bytes);
        if (bytes.length > 0) {
            offer(bytes);
        }
    }

    void end() throws IOException {
        offer(END);
    }

    /** Makes the reader fail. */
    void abort() {
        aborted = true;
    }

    /** Says that nobody reads any more, and why. */
    void failed(final IOException failure) {
        readerFailure.compareAndSet(null, failure);
    }

    private void offer(final byte[] bytes) throws IOException {
        try {
            while (!queue.offer(bytes, TICK_MS, TimeUnit.MILLISECONDS)) {
                rethrow();
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException();
        }
        rethrow();
    }

    private void rethrow() throws IOException {
        final @Nullable IOException failure = readerFailure.get();
        if (failure != null) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    @Override
    public int read() throws IOException {
        final byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int available() {
        return current.length - at + queue.size();
    }

    @Override
    public int read(final byte[] into, final int offset, final int length) throws IOException {
        while (at == current.length) {
            if (ended) {
                return -1;
            }
            if (aborted) {
                throw new IOException("the stream was given up");
            }
            try {
                final byte @Nullable [] next = queue.poll(TICK_MS, TimeUnit.MILLISECONDS);
                if (next != null) {
                    ended = next == END;
                    current = next;
                    at = 0;
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException();
            }
        }
        final int n = Math.min(length, current.length - at);
        System.arraycopy(current, at, into, offset, n);
        at += n;
        return n;
    }
}
