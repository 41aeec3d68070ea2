package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One child: what flows back from it and from those behind it, and what it is told. Lines flow back until everybody
 * behind is ready; the eight bytes after that acknowledge. The data goes by its {@link Feeder}.
 */
final class Child implements AutoCloseable {
    /** What flows back. Called by the child's own threads. */
    interface Events {
        void line(Child child, String line);

        /** A node of ours behind can be taken over by this token. */
        void heir(String name, String token);

        /** The child is still at it: storing, syncing, waiting for those behind it. */
        void busy(Child child);

        /** All is acknowledged: with a number of bytes, or {@link Roster#BY_NAME} where every node has reported for itself. */
        void acknowledged(Child child, long bytes);

        void reported(Child child, DollyNode node);

        void lost(Child child, String reason);
    }

    private static final int ACK_BYTES = 8;
    private static final Pattern HEIR = Pattern.compile("\\+heir (\\S+) ([0-9a-f]{32})");

    private final int index;
    private final String name;
    private final Dialect dialect;
    private final DollyOptions options;
    private final boolean single;
    private final @Nullable Password password;
    private final Events events;
    private final Set<String> waitingFor = new HashSet<>();
    private final ControlLink control;
    private final Feeder feeder;
    private BooleanSupplier upstream = () -> true;
    private volatile boolean extended;
    private volatile boolean over;
    private volatile long total = -1;
    private boolean takenOver;

    Child(
            final int index,
            final String name,
            final Outflow.Plan plan,
            final @Nullable Password password,
            final ControlLink control,
            final DataOut data,
            final Events events) {
        this.index = index;
        this.name = name;
        this.dialect = plan.dialect();
        this.options = plan.options();
        this.single = plan.config().add().count() == 0;
        this.password = password;
        this.control = control;
        this.events = events;
        this.feeder = new Feeder(name, data, options, this::lose);
    }

    /** Returns a child that has been fed up to {@code from} by another. */
    static Child takenOver(
            final int index,
            final String name,
            final Outflow.Plan plan,
            final @Nullable Password password,
            final ControlLink control,
            final DataOut data,
            final Events events,
            final long from) {
        final Child child = new Child(index, name, plan, password, control, data, events);
        child.extended = true;
        child.takenOver = true;
        child.feeder.framedFrom(from);
        return child;
    }

    int index() {
        return index;
    }

    String name() {
        return name;
    }

    Feeder feeder() {
        return feeder;
    }

    boolean isOver() {
        return over;
    }

    /** Begins to listen, and to send what is offered. */
    void start(final Collection<String> subtree, final BooleanSupplier upstreamLives) {
        waitingFor.addAll(subtree);
        upstream = upstreamLives;
        Threads.start("dolly-backflow-" + name, this::backflow);
        feeder.start();
        if (takenOver) {
            Threads.start("dolly-ping-" + name, this::ping);
        }
    }

    private void backflow() {
        try {
            boolean first = !takenOver;
            while (!over) {
                if (!extended && acknowledges()) {
                    final long bytes = ByteBuffer.wrap(control.take(ACK_BYTES))
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong();
                    events.acknowledged(this, bytes);
                    return;
                }
                final @Nullable String line = waitingFor.isEmpty() && !extended ? null : control.pollLine();
                if (line != null) {
                    if (first) {
                        first = false;
                        greet(line);
                    }
                    if (!heard(line)) {
                        return;
                    }
                    continue;
                }
                if (!fill()) {
                    lose(
                            first && dialect == Dialect.MODERN && password == null
                                    ? "ended the control connection without a word; does it ask for a password (-P)?"
                                    : "ended the control connection");
                    return;
                }
            }
        } catch (final IOException e) {
            lose(String.valueOf(e.getMessage()));
        }
    }

    private boolean fill() throws IOException {
        if (!extended) {
            return control.fill(ControlLink.FOR_EVER);
        }
        final Duration silence = Extension.silence(options);
        final int before = control.available();
        final boolean open = control.fillOrWait(silence);
        if (open && control.available() == before) {
            throw ReplicationException.retry("has said nothing for " + silence.toMillis() / 1000.0 + " s", null);
        }
        return open;
    }

    /** Whether the next eight bytes acknowledge: everybody behind is ready, or they say just what must be said. */
    private boolean acknowledges() {
        if (control.available() < ACK_BYTES) {
            return false;
        }
        if (waitingFor.isEmpty()) {
            return true;
        }
        long value = 0;
        for (int i = 0; i < ACK_BYTES; i++) {
            value |= (control.peek(i) & 0xFFL) << (8 * i);
        }
        return total >= 0 && control.available() == ACK_BYTES && value == total;
    }

    /** A child that announces itself gets an answer, unless it has been treated as an old one already. */
    private void greet(final String line) throws IOException {
        final Optional<byte[]> nonce = Extension.announced(line, dialect.configured(name));
        synchronized (this) {
            if (nonce.isPresent() && options.extended() && total < 0 && feeder.mayFrame()) {
                final String proof =
                        password == null ? "-" : HexFormat.of().formatHex(password.parentProof(nonce.get()));
                final byte[] hello =
                        ("hello " + proof + (single ? " frames\n" : "\n")).getBytes(StandardCharsets.US_ASCII);
                control.write(ByteBuffer.allocate(Extension.MAGIC.length + hello.length)
                        .put(Extension.MAGIC)
                        .put(hello)
                        .array());
                extended = true;
                feeder.spoken(single);
                Threads.start("dolly-ping-" + name, this::ping);
                return;
            }
        }
        feeder.spoken(false);
    }

    private void ping() {
        try {
            while (!over) {
                Thread.sleep(Extension.ping(options).toMillis());
                if (upstream.getAsBoolean()) {
                    control.writeLine("ping");
                }
            }
        } catch (final IOException | InterruptedException e) {
            // whoever listens to the child finds out that it is gone
        }
    }

    private boolean heard(final String line) throws IOException {
        if (extended && line.startsWith("+")) {
            return heardExtended(line);
        }
        final String plain = Extension.plain(line);
        waitingFor.removeIf(host -> plain.equals(dialect.ready(host)));
        events.line(this, plain); // the announcement was for us: those further up must not see it
        return true;
    }

    private boolean heardExtended(final String line) throws IOException {
        final Matcher heir = HEIR.matcher(line);
        final @Nullable DollyNode node = DollyNode.fromLine(line);
        if (node != null) {
            waitingFor.remove(node.name());
            events.reported(this, node);
        } else if (heir.matches()) {
            events.heir(heir.group(1), heir.group(2));
        } else if (line.equals("+frames")) {
            feeder.framesAgreed();
        } else if (line.equals("+busy")) {
            events.busy(this);
        } else if (line.equals("+done")) {
            control.writeLine("thanks");
            over = true;
            events.acknowledged(this, Roster.BY_NAME);
            return false;
        }
        return true;
    }

    /**
     * Says how long the stream is.
     *
     * @param atOnce also to an old child that has not got all the data yet; else it hears it behind the data, as from a
     *     real server.
     */
    void end(final long bytes, final boolean atOnce) {
        try {
            synchronized (this) {
                total = bytes;
                if (extended) {
                    control.writeLine("end " + bytes);
                } else if (atOnce) {
                    mark(bytes);
                }
            }
        } catch (final IOException e) {
            lose(String.valueOf(e.getMessage()));
        }
    }

    private void mark(final long bytes) throws IOException {
        control.write(ByteBuffer.allocate(ACK_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(bytes)
                .array());
    }

    /** Tells a child of ours more. */
    void tell(final String line) {
        if (extended && !over) {
            try {
                control.writeLine(line);
            } catch (final IOException e) {
                lose(String.valueOf(e.getMessage()));
            }
        }
    }

    /**
     * Waits until everything offered is sent.
     *
     * @param last whether this is the server: then an old child gets the end mark now, and the end of the data.
     */
    void drain(final boolean last) {
        feeder.finish();
        if (last && !over && !extended) {
            try {
                mark(total);
                feeder.shutdown();
            } catch (final IOException e) {
                // the acknowledgement tells whether it has all
            }
        }
    }

    private void lose(final String reason) {
        final boolean news;
        synchronized (this) {
            news = !over;
            over = true;
        }
        if (news) {
            close();
            events.lost(this, reason);
        }
    }

    @Override
    public void close() {
        over = true;
        Threads.closeQuietly(control);
        feeder.close();
    }
}
