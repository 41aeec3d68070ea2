package io.replicate.nbd.client;

import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.NbdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One request and its answer. The event loop of its connection fills it in; the thread that made it waits. */
final class Call {
    final int type;
    final int flags;
    final long offset;
    final long length;
    /** Where a read goes (from its position), or what a write sends; belongs to the call until it is over. */
    final @Nullable ByteBuffer data;

    private final CountDownLatch over = new CountDownLatch(1);
    private final Map<Integer, List<Descriptor>> status = new HashMap<>();
    private final Coverage received = new Coverage();
    private int error;
    private String text = "";
    private @Nullable ReplicationException lost;

    /** A run of one status in a metadata context. */
    record Descriptor(long length, long flags) {}

    Call(int type, int flags, long offset, long length, @Nullable ByteBuffer data) {
        this.type = type;
        this.flags = flags;
        this.offset = offset;
        this.length = length;
        this.data = data;
    }

    // ---- for the event loop

    /** Takes note of bytes of a read; returns whether they are part of it and new. */
    boolean accepts(long at, long bytes) {
        return data != null
                && at >= offset
                && bytes > 0
                && at - offset <= length - bytes
                && received.add(at - offset, bytes);
    }

    /** Returns a view of the place of a part of the read. */
    ByteBuffer place(long at, int bytes) {
        if (data == null) {
            throw new IllegalStateException("not a read");
        }
        return data.slice(data.position() + (int) (at - offset), bytes);
    }

    /** Returns whether this is the first status in the context: one is all that the protocol allows. */
    boolean status(int context, List<Descriptor> descriptors) {
        return status.putIfAbsent(context, descriptors) == null;
    }

    void error(int value, String reason) {
        if (error == NbdError.OK) {
            error = value == NbdError.OK ? NbdError.EINVAL : value;
            text = reason;
        }
    }

    /** Returns whether nothing is missing in the answer. */
    boolean isComplete(int contexts) {
        return switch (error != NbdError.OK ? Nbd.CMD_FLUSH : type) {
            case Nbd.CMD_READ -> received.reaches(length);
            case Nbd.CMD_BLOCK_STATUS -> status.size() == contexts;
            default -> true;
        };
    }

    boolean isShutdown() {
        return error == NbdError.ESHUTDOWN;
    }

    void finish() {
        over.countDown();
    }

    void lost(ReplicationException why) {
        lost = why;
        over.countDown();
    }

    // ---- for the caller

    /** Returns the same request, not answered yet. */
    Call again() {
        return new Call(type, flags, offset, length, data);
    }

    /** Takes over what another attempt was answered. */
    void takeFrom(Call other) {
        if (other != this) {
            status.putAll(other.status);
        }
    }

    /** Returns whether the answer came within {@code timeout}. */
    boolean await(Duration timeout) throws ReplicationException {
        try {
            return over.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for an answer", e);
        }
    }

    /** Waits for the end, whoever interrupts. */
    boolean awaitUninterruptibly(Duration timeout) {
        final long until = System.nanoTime() + timeout.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return over.await(until - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (final InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Throws what went wrong.
     *
     * @param where the export, for the message.
     */
    void check(Object where) throws IOException {
        if (lost != null) {
            throw lost;
        }
        if (error == NbdError.ENOTSUP && (flags & Nbd.CMD_FLAG_FAST_ZERO) != 0) {
            throw new UnsupportedOperationException(message(where));
        }
        if (error != NbdError.OK) {
            throw new NbdException(error, message(where));
        }
    }

    private String message(Object where) {
        return where + ": " + Nbd.commandName(type) + " offset=" + offset + " length=" + length + ": "
                + NbdError.name(error) + (text.isEmpty() ? "" : " (" + text + ")");
    }

    /** Returns what a block status said in a context. */
    List<Descriptor> status(int context) {
        return status.getOrDefault(context, List.of());
    }
}
