package io.replicate.ring.dolly;

import io.replicate.core.net.Links;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client hears from its parent on the control connection, and says to it. When a parent of ours is lost, another
 * may take its place; what matters of what was said is then said again.
 */
final class Parent {
    /** Is told by the thread that listens. */
    interface Events {
        void end(long bytes);

        /** The parent is lost, or gives up. */
        void failed(IOException failure);
    }

    private static final int END_MARK_BYTES = 8;

    private final @Nullable Password password;
    private final DollyOptions options;
    private final byte[] nonce = Password.nonce(Extension.NONCE_BYTES);
    private final String token = HexFormat.of().formatHex(Password.nonce(Extension.NONCE_BYTES));
    private final Events events;
    private final List<String> held = new ArrayList<>();
    private final List<String> said = new ArrayList<>();
    private ControlLink control;
    private String name = "";
    private boolean relaying;
    private boolean extended;
    private boolean framed;
    private boolean gone;
    private boolean over;
    private boolean thanked;
    private long total = -1;
    private @Nullable String sum;
    private @Nullable String refusal;
    private @Nullable String abort;
    private long heardNs = System.nanoTime();

    Parent(
            final ControlLink control,
            final @Nullable Password password,
            final DollyOptions options,
            final Events events) {
        this.control = control;
        this.password = password;
        this.options = options;
        this.events = events;
    }

    /** Says that the parameters are understood; with an announcement for a parent of ours. */
    void configured(final String node, final String line, final boolean announce) throws IOException {
        final ControlLink link;
        synchronized (this) {
            name = node;
            link = control;
        }
        link.writeLine(announce ? Extension.announce(line, nonce) : line);
        Threads.start("dolly-parent", () -> listen(link));
    }

    private void listen(final ControlLink link) {
        try {
            while (!isExtended() && total() < 0) {
                final byte[] mark = link.takeOrEnd(END_MARK_BYTES, ControlLink.FOR_EVER);
                if (mark == null) {
                    throw gone(link);
                }
                if (Arrays.equals(mark, Extension.MAGIC)) {
                    hello(link);
                } else {
                    end(ByteBuffer.wrap(mark).order(ByteOrder.LITTLE_ENDIAN).getLong());
                }
            }
            while (true) {
                final @Nullable String line = isExtended() ? link.pollLine() : null;
                if (line != null) {
                    extendedLine(line);
                } else if (!isExtended() && link.available() > 0) {
                    link.take(link.available()); // nothing is said behind the end mark
                } else if (!link.fill(isExtended() ? Extension.silence(options) : ControlLink.FOR_EVER)) {
                    throw gone(link);
                }
            }
        } catch (final IOException e) {
            synchronized (this) {
                if (link != control || gone) {
                    return; // another one has taken its place, or may: it was given up
                }
                gone = true;
                notifyAll();
            }
            Threads.closeQuietly(link);
            events.failed(
                    Links.isTimeout(e)
                            ? ReplicationException.retry(
                                    link.peer() + " has said nothing for "
                                            + Extension.silence(options).toMillis() / 1000.0 + " s",
                                    e)
                            : e);
        }
    }

    private ReplicationException gone(final ControlLink link) {
        return ReplicationException.fail(
                link.peer() + " ended the control connection"
                        + (total() < 0 ? " before the end of the data" : " too early"),
                null);
    }

    private void hello(final ControlLink link) throws IOException {
        final @Nullable String line = link.line(ControlLink.FOR_EVER);
        if (line == null) {
            throw gone(link);
        }
        final String[] words = line.split(" ", -1);
        final boolean frames = words.length == 3 && words[2].equals("frames");
        if (password != null && !(words[0].equals("hello") && proves(password, nonce, words))) {
            final String reason = link.peer() + " has not proven the password (-P)";
            synchronized (this) {
                refusal = reason;
            }
            throw ReplicationException.fail(reason, null);
        }
        synchronized (this) {
            extended = true;
            framed = frames;
            heardNs = System.nanoTime();
            notifyAll();
            // before the yes, since the data may follow it at once
            if (frames) {
                link.writeLine("+frames");
            }
            said.add("+heir " + name + " " + token);
            for (final String each : said) {
                if (each.startsWith("+")) {
                    link.writeLine(each);
                }
            }
        }
        alive(link);
    }

    private static boolean proves(final Password expected, final byte[] challenge, final String[] words) {
        return words.length >= 2
                && words[1].matches("[0-9a-f]{64}")
                && expected.parentProves(challenge, HexFormat.of().parseHex(words[1]));
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
        } else if (line.equals("thanks")) {
            synchronized (this) {
                thanked = true;
                notifyAll();
            }
        } else if (line.startsWith("abort ")) {
            synchronized (this) {
                abort = control.peer() + " gave up: " + line.substring("abort ".length());
                throw ReplicationException.fail(abort, null);
            }
        }
    }

    private void end(final long bytes) throws ReplicationException {
        synchronized (this) {
            if (bytes < 0) {
                throw ReplicationException.corrupt(
                        control.peer() + " announces a length of " + Long.toUnsignedString(bytes));
            }
            if (total >= 0 && total != bytes) {
                throw ReplicationException.corrupt(
                        control.peer() + " announces a length of " + bytes + " after one of " + total);
            }
            total = bytes;
            notifyAll();
        }
        events.end(bytes);
    }

    /** Lets a parent of ours know that we live, until the end. */
    private void alive(final ControlLink link) {
        Threads.start("dolly-alive", () -> {
            try {
                while (!isOver(link)) {
                    Thread.sleep(Extension.ping(options).toMillis());
                    link.writeLine("+busy");
                }
            } catch (final IOException e) {
                // the thread that listens finds out that the parent is gone
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private synchronized boolean isOver(final ControlLink link) {
        return over || gone || link != control;
    }

    /**
     * Returns whether a node that asks to take the lost parent's place may: it knows the token, and the password where
     * there is one.
     */
    boolean admits(final String request) {
        final String[] words = request.split(" ", -1);
        return words.length == 3
                && words[0].equals("resume")
                && Password.equal(words[1], token)
                && (password == null
                        || proves(password, HexFormat.of().parseHex(token), new String[] {words[0], words[2]}));
    }

    /** Goes on with another parent. */
    void replace(final ControlLink link) throws IOException {
        synchronized (this) {
            Threads.closeQuietly(control);
            control = link;
            gone = false;
            framed = true;
            heardNs = System.nanoTime();
            for (final String each : said) {
                link.writeLine(each);
            }
            notifyAll();
        }
        Threads.start("dolly-parent", () -> listen(link));
        alive(link);
    }

    synchronized String peer() {
        return control.peer();
    }

    synchronized boolean isExtended() {
        return extended;
    }

    /** Returns whether the data comes in frames. */
    synchronized boolean isFramed() {
        return framed;
    }

    /** Returns whether the parent is lost, and another one may come. */
    synchronized boolean isOrphan() {
        return gone && extended && !over && refusal == null && abort == null;
    }

    synchronized boolean isGone() {
        return gone;
    }

    synchronized long total() {
        return total;
    }

    /** Returns why the parent was refused, or has given up, where it was or has. */
    synchronized @Nullable String refusal() {
        return refusal == null ? abort : refusal;
    }

    /** Gives the parent up. */
    void lose() {
        final ControlLink link;
        synchronized (this) {
            gone = true;
            link = control;
            notifyAll();
        }
        Threads.closeQuietly(link);
    }

    /** Returns whether the parent has said within the time that it lives; one that is not ours never does. */
    synchronized boolean heardWithin(final Duration time) {
        return extended && !gone && System.nanoTime() - heardNs < time.toNanos();
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
        Deadline deadline = Deadline.in(wait);
        while (sum == null && !deadline.passed() && (!gone || isOrphan())) {
            await(deadline);
            if (!gone && heardWithin(Extension.silence(options))) {
                deadline = Deadline.in(wait); // the server is still sending to others, or reading
            }
        }
        return sum;
    }

    @SuppressWarnings("WaitNotInLoop") // all callers loop
    private void await(final Deadline deadline) throws ReplicationException {
        try {
            wait(Math.min(1000, deadline.left().toMillis() + 1));
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    /** Says that this node is ready, and from now on passes on what those behind it say. */
    synchronized void ready(final String line) throws IOException {
        said.add(line);
        said.addAll(held);
        held.clear();
        relaying = true;
        try {
            for (final String each : said) {
                if (!each.startsWith("+")) {
                    control.writeLine(each);
                }
            }
        } catch (final IOException e) {
            if (!extended) {
                throw e;
            }
        }
    }

    /** Passes a line on that came from behind: as it came, in one write. What is our own goes to a parent of ours only. */
    synchronized void relay(final String line) {
        final boolean own = line.startsWith("+");
        if (!relaying && !own) {
            held.add(line);
            return;
        }
        said.add(line);
        if (gone || (own && !extended)) {
            return;
        }
        try {
            control.writeLine(line);
        } catch (final IOException e) {
            // the thread that listens finds out that the parent is gone
        }
    }

    /** Acknowledges to any parent that everybody from here on has so many bytes. */
    synchronized void acknowledge(final long bytes) throws IOException {
        control.write(ByteBuffer.allocate(END_MARK_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(bytes)
                .array());
    }

    /** Reports to a parent of ours how everybody from here on has ended, and waits until it has heard it. */
    void report(final List<DollyNode> nodes) throws IOException {
        final StringBuilder text = new StringBuilder();
        nodes.forEach(node -> text.append(node.toLine()).append('\n'));
        final byte[] bytes = text.append("+done\n").toString().getBytes(StandardCharsets.UTF_8);
        synchronized (this) {
            Deadline deadline = Deadline.in(Extension.patience(options));
            @Nullable ControlLink told = null;
            boolean waiting = true;
            while (!thanked && !deadline.passed() && (!gone || isOrphan())) {
                if (gone && waiting) {
                    waiting = false; // it may have heard us: who takes its place comes soon, or nobody
                    deadline = Deadline.in(Extension.silence(options));
                }
                if (!gone && told != control) {
                    waiting = true;
                    told = control;
                    try {
                        control.write(bytes);
                    } catch (final IOException e) {
                        gone = true;
                        continue;
                    }
                }
                await(deadline);
            }
            over = true;
            notifyAll();
        }
    }

    /** Ends it. */
    void close() {
        final ControlLink link;
        synchronized (this) {
            over = true;
            link = control;
            notifyAll();
        }
        Threads.closeQuietly(link);
    }
}
