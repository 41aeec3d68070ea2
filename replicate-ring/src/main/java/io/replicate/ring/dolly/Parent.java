package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a client hears from its parent on the control connection, and says to it. */
final class Parent {
    /** Is told by the thread that listens. */
    interface Events {
        void end(long bytes);

        void failed(IOException failure);
    }

    private static final int END_MARK_BYTES = 8;
    private static final Duration BUSY = Duration.ofSeconds(2);

    private final ControlLink control;
    private final @Nullable Password password;
    private final byte[] nonce = Password.nonce(Extension.NONCE_BYTES);
    private final Events events;
    private final List<String> held = new ArrayList<>();
    private boolean relaying;
    private boolean extended;
    private boolean gone;
    private boolean over;
    private long total = -1;
    private @Nullable String sum;
    private @Nullable String refusal;
    private long heardNs = System.nanoTime();

    Parent(final ControlLink control, final @Nullable Password password, final Events events) {
        this.control = control;
        this.password = password;
        this.events = events;
    }

    /** Says that the parameters are understood; with an announcement for a parent of ours. */
    void configured(final String line, final boolean announce) throws IOException {
        control.writeLine(announce ? Extension.announce(line, nonce) : line);
        Threads.start("dolly-parent", this::listen);
    }

    private void listen() {
        try {
            while (!isExtended() && total() < 0) {
                final byte[] mark = control.takeOrEnd(END_MARK_BYTES, ControlLink.FOR_EVER);
                if (mark == null) {
                    throw gone();
                }
                if (Arrays.equals(mark, Extension.MAGIC)) {
                    hello();
                } else {
                    end(ByteBuffer.wrap(mark).order(ByteOrder.LITTLE_ENDIAN).getLong());
                }
            }
            while (true) {
                final @Nullable String line = isExtended() ? control.pollLine() : null;
                if (line != null) {
                    extendedLine(line);
                } else if (!isExtended() && control.available() > 0) {
                    control.take(control.available()); // nothing is said behind the end mark
                } else if (!control.fill(ControlLink.FOR_EVER)) {
                    throw gone();
                }
            }
        } catch (final IOException e) {
            synchronized (this) {
                gone = true;
                notifyAll();
            }
            events.failed(e);
        }
    }

    private ReplicationException gone() {
        return ReplicationException.fail(
                control.peer() + " ended the control connection"
                        + (total() < 0 ? " before the end of the data" : " too early"),
                null);
    }

    private void hello() throws IOException {
        String line = control.pollLine();
        while (line == null) {
            if (!control.fill(ControlLink.FOR_EVER)) {
                throw gone();
            }
            line = control.pollLine();
        }
        if (password != null && !proves(password, line)) {
            final String reason = control.peer() + " has not proven the password (-P)";
            synchronized (this) {
                refusal = reason;
            }
            throw ReplicationException.fail(reason, null);
        }
        synchronized (this) {
            extended = true;
            heardNs = System.nanoTime();
            notifyAll();
        }
    }

    private boolean proves(final Password expected, final String hello) {
        if (!hello.matches("hello [0-9a-f]{64}")) {
            return false;
        }
        return expected.parentProves(nonce, HexFormat.of().parseHex(hello.substring("hello ".length())));
    }

    private void extendedLine(final String line) throws IOException {
        synchronized (this) {
            heardNs = System.nanoTime();
        }
        if (line.matches("end [0-9]{1,18}")) {
            end(Long.parseLong(line.substring("end ".length())));
        } else if (line.matches("sum [0-9a-f]{64}")) {
            synchronized (this) {
                sum = line.substring("sum ".length());
                notifyAll();
            }
        } else if (line.startsWith("abort ")) {
            throw ReplicationException.fail(control.peer() + " gave up: " + line.substring("abort ".length()), null);
        }
    }

    private void end(final long bytes) throws ReplicationException {
        if (bytes < 0) {
            throw ReplicationException.corrupt(control.peer() + " announces a length of " + bytes);
        }
        synchronized (this) {
            if (total >= 0 && total != bytes) {
                throw ReplicationException.corrupt(
                        control.peer() + " announces a length of " + bytes + " after one of " + total);
            }
            total = bytes;
            notifyAll();
        }
        events.end(bytes);
    }

    synchronized boolean isExtended() {
        return extended;
    }

    synchronized long total() {
        return total;
    }

    /** Returns why the parent was refused, where it was. */
    synchronized @Nullable String refusal() {
        return refusal;
    }

    /** Returns whether the parent has said within the time that it lives; one that is not ours never does. */
    synchronized boolean heardWithin(final Duration time) {
        return extended && System.nanoTime() - heardNs < time.toNanos();
    }

    /** Waits for a parent of ours to say who it is; false when it has not. */
    synchronized boolean awaitExtended(final Duration wait) throws ReplicationException {
        final Deadline deadline = Deadline.in(wait);
        while (!extended && !gone && !deadline.passed()) {
            await(deadline);
        }
        return extended;
    }

    /** Returns the length that the parent announces, or -1 when it does not in time. */
    synchronized long awaitTotal(final Duration wait) throws ReplicationException {
        final Deadline deadline = Deadline.in(wait);
        while (total < 0 && !gone && !deadline.passed()) {
            await(deadline);
        }
        return total;
    }

    /** Returns the digest that a parent of ours has sent behind the end, or null when it does not in time. */
    synchronized @Nullable String awaitSum(final Duration wait) throws ReplicationException {
        final Deadline deadline = Deadline.in(wait);
        while (sum == null && !gone && !deadline.passed()) {
            await(deadline);
        }
        return sum;
    }

    @SuppressWarnings("WaitNotInLoop") // all callers loop
    private void await(final Deadline deadline) throws ReplicationException {
        try {
            wait(deadline.left().toMillis() + 1);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    /** Says that this node is ready, and from now on passes on what those behind it say. */
    void ready(final String line) throws IOException {
        synchronized (this) {
            control.writeLine(line);
            relaying = true;
            for (final String each : held) {
                control.writeLine(each);
            }
            held.clear();
        }
    }

    /** Passes a line on that came from behind: as it came, in one write. What is our own goes to a parent of ours only. */
    synchronized void relay(final String line) {
        if (line.startsWith("+") && !extended) {
            return;
        }
        if (!relaying && !line.startsWith("+")) {
            held.add(line);
            return;
        }
        try {
            control.writeLine(line);
        } catch (final IOException e) {
            // the thread that listens finds out that the parent is gone
        }
    }

    /** Lets a parent of ours know that storing goes on, until the end. */
    void busy() {
        if (isExtended()) {
            Threads.start("dolly-busy", () -> {
                try {
                    while (!isOver()) {
                        Thread.sleep(BUSY.toMillis());
                        relay("+busy");
                    }
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }

    private synchronized boolean isOver() {
        return over || gone;
    }

    /** Acknowledges to any parent that everybody from here on has so many bytes. */
    void acknowledge(final long bytes) throws IOException {
        control.write(ByteBuffer.allocate(END_MARK_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(bytes)
                .array());
    }

    /** Reports to a parent of ours how everybody from here on has ended. */
    void report(final List<DollyNode> nodes) throws IOException {
        final StringBuilder text = new StringBuilder();
        nodes.forEach(node -> text.append(node.toLine()).append('\n'));
        synchronized (this) {
            over = true;
        }
        control.writeLine(text.append("+done").toString());
    }

    /** Waits until the parent has closed, so that what was said last is not lost with the connection. */
    synchronized void awaitGone(final Duration wait) throws ReplicationException {
        final Deadline deadline = Deadline.in(wait);
        while (!gone && !deadline.passed()) {
            await(deadline);
        }
    }
}
