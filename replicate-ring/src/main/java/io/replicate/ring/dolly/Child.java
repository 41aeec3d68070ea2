package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPipe;
import io.replicate.core.block.Parcel;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The connections to one child: configures it, feeds it, and listens to what flows back from it and from those behind
 * it. Lines flow back until everybody behind is ready; the eight bytes after that acknowledge.
 */
final class Child implements AutoCloseable {
    /** What flows back. Called by the child's own threads. */
    interface Events {
        void line(Child child, String line);

        /** The child is still at it: storing, syncing, waiting for those behind it. */
        void busy(Child child);

        /** All is acknowledged: with a number of bytes, or {@link Outflow#BY_NAME} where every node has reported for itself. */
        void acknowledged(Child child, long bytes);

        void reported(Child child, DollyNode node);

        void lost(Child child, String reason);
    }

    private static final int ACK_BYTES = 8;
    private static final int PIPE_BLOCKS = 8;
    private static final Duration AUTH_PAUSE = Duration.ofMillis(200);
    private static final Duration REFUSAL_PAUSE = Duration.ofMillis(100);
    private static final Duration PING = Duration.ofSeconds(2);

    private final int index;
    private final String name;
    private final Dialect dialect;
    private final @Nullable Password password;
    private final Events events;
    private final Set<String> waitingFor = new HashSet<>();
    private final BlockPipe<Extent> pipe = new BlockPipe<>(PIPE_BLOCKS, ControlLink.FOR_EVER);
    private final ControlLink control;
    private @Nullable DataOut data;
    private @Nullable Thread sender;
    private volatile boolean extended;
    private volatile boolean over;
    private volatile long total = -1;

    private Child(
            final int index,
            final String name,
            final Dialect dialect,
            final @Nullable Password password,
            final Events events,
            final ControlLink control) {
        this.index = index;
        this.name = name;
        this.dialect = dialect;
        this.password = password;
        this.events = events;
        this.control = control;
    }

    int index() {
        return index;
    }

    String name() {
        return name;
    }

    boolean isOver() {
        return over;
    }

    boolean isExtended() {
        return extended;
    }

    /** Connects to a child and configures it: steps 1 to 6, the control connection first. */
    static Child open(final Outflow.Plan plan, final int index, final Sockets sockets, final Events events)
            throws IOException {
        final DollyOptions options = plan.options();
        final String name = plan.config().hosts().get(index);
        final DollyListener listener = options.listener();
        listener.verbose("Connecting to host " + name + "...");
        final Deadline deadline = Deadline.in(options.startWait());
        final ControlLink control = new ControlLink(sockets.control(name, deadline));
        final Child child = new Child(
                index,
                name,
                plan.dialect(),
                options.password() == null ? null : Password.of(options.password()),
                events,
                control);
        try {
            if (plan.dialect() == Dialect.MODERN) {
                child.authenticate(options.startWait());
            }
            // an old child's queue holds two connections: of more it takes the first ones once it is configured
            if (plan.config().add().count() > 0) {
                child.configure(plan);
                child.connectData(plan, sockets, deadline);
            } else {
                child.connectData(plan, sockets, deadline);
                child.configure(plan);
            }
            listener.verbose("data control.");
            return child;
        } catch (final IOException e) {
            child.close();
            throw e;
        }
    }

    private void connectData(final Outflow.Plan plan, final Sockets sockets, final Deadline deadline)
            throws IOException {
        final AddedLinks add = plan.config().add();
        final Link[] links = new Link[add.links()];
        try {
            for (int i = 0; i < links.length; i++) {
                links[i] = sockets.data(add.nameOf(name, i), plan.config().segmentBytes(), deadline);
                if (links.length > 1) {
                    links[i].send(ByteBuffer.allocate(Integer.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putInt(i)
                            .flip());
                }
            }
        } catch (final IOException e) {
            for (final Link link : links) {
                if (link != null) {
                    Threads.closeQuietly(link);
                }
            }
            throw e;
        }
        data = new DataOut(links, plan.options().blockBytes());
        data.timeout(plan.options().idleWait());
    }

    private void configure(final Outflow.Plan plan) throws IOException {
        if (dialect == Dialect.MODERN) {
            control.write(new byte[] {(byte) (plan.directory() ? 1 : 0), 0, 0, 0});
        }
        control.write(plan.text().bytes());
    }

    /** Proves nothing to a child without a password; else asks it for its proof. */
    private void authenticate(final Duration wait) throws IOException {
        if (password == null) {
            control.write(new byte[] {0});
            if (!control.fillOrWait(REFUSAL_PAUSE)) {
                throw ReplicationException.fail(
                        "client " + name + " closed the connection at once: it asks for a password (-P)", null);
            }
            return;
        }
        authenticate(control, name, password, wait);
        try {
            Thread.sleep(AUTH_PAUSE.toMillis()); // old clients swallow what comes together with OK
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    /** Steps 1 to 4, towards a child that has a password. */
    static void authenticate(final ControlLink control, final String name, final Password password, final Duration wait)
            throws IOException {
        final byte[] nonce = Password.nonce(Password.NONCE_BYTES);
        control.write(
                ByteBuffer.allocate(1 + nonce.length).put((byte) 1).put(nonce).array());
        final byte[] answer = control.takeOrEnd(Password.PROOF_BYTES, wait);
        if (answer == null) {
            throw ReplicationException.fail(
                    "client " + name + " closed the connection at once: it has no password (-P)", null);
        }
        if (!password.proves(nonce, answer)) {
            control.write(("AUTH_FAILED:" + name + "\0").getBytes(StandardCharsets.UTF_8));
            throw ReplicationException.fail("client " + name + " has another password (-P)", null);
        }
        control.write(new byte[] {'O', 'K', 0});
    }

    /** Begins to listen, and to send what is offered. */
    void start(final Set<String> subtree) {
        waitingFor.addAll(subtree);
        Threads.start("dolly-backflow-" + name, this::backflow);
        sender = Threads.start("dolly-send-" + name, this::send);
    }

    private void send() {
        try {
            while (true) {
                final @Nullable Parcel<Extent> parcel = pipe.take();
                if (parcel == null) {
                    return;
                }
                data().send(block(parcel));
            }
        } catch (final IOException e) {
            lose("does not take data: " + e.getMessage());
        }
    }

    private static Block block(final Parcel<Extent> parcel) {
        final @Nullable Block block = parcel.block();
        if (block == null) {
            throw new IllegalStateException("a parcel without bytes");
        }
        return block;
    }

    private DataOut data() {
        final @Nullable DataOut out = data;
        if (out == null) {
            throw new IllegalStateException(name + " is not connected");
        }
        return out;
    }

    /** Gives a block, whose reference it takes over, to the sender; waits while that is behind. */
    void offer(final Extent extent, final Block block) {
        if (over) {
            block.release();
            return;
        }
        try {
            pipe.put(new Parcel<>(extent, block));
        } catch (final IOException e) {
            lose(String.valueOf(e.getMessage())); // the sender has said why
        }
    }

    private void backflow() {
        try {
            boolean first = true;
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
                if (!control.fill(ControlLink.FOR_EVER)) {
                    lose("ended the control connection");
                    return;
                }
            }
        } catch (final IOException e) {
            lose(String.valueOf(e.getMessage()));
        }
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

    private void greet(final String line) throws IOException {
        final Optional<byte[]> nonce = Extension.announced(line, dialect.configured(name));
        if (nonce.isEmpty()) {
            return;
        }
        final String proof = password == null ? "-" : HexFormat.of().formatHex(password.parentProof(nonce.get()));
        final byte[] hello = ("hello " + proof + "\n").getBytes(StandardCharsets.US_ASCII);
        control.write(ByteBuffer.allocate(Extension.MAGIC.length + hello.length)
                .put(Extension.MAGIC)
                .put(hello)
                .array());
        extended = true;
        Threads.start("dolly-ping-" + name, this::ping);
    }

    private void ping() {
        try {
            while (!over) {
                Thread.sleep(PING.toMillis());
                control.writeLine("ping");
            }
        } catch (final IOException | InterruptedException e) {
            // whoever listens to the child finds out that it is gone
        }
    }

    private boolean heard(final String line) {
        if (extended && line.equals("+done")) {
            over = true;
            events.acknowledged(this, Outflow.BY_NAME);
            return false;
        }
        if (extended && line.equals("+busy")) {
            events.busy(this);
            return true;
        }
        final @Nullable DollyNode node = extended ? DollyNode.fromLine(line) : null;
        if (node != null) {
            waitingFor.remove(node.name());
            events.reported(this, node);
            return true;
        }
        final String plain = Extension.plain(line);
        waitingFor.removeIf(host -> plain.equals(dialect.ready(host)));
        events.line(this, line);
        return true;
    }

    /** Says how long the stream is, at once. */
    void end(final long bytes) {
        total = bytes;
        try {
            if (extended) {
                control.writeLine("end " + bytes);
            } else {
                control.write(ByteBuffer.allocate(ACK_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(bytes)
                        .array());
            }
        } catch (final IOException e) {
            lose(String.valueOf(e.getMessage()));
        }
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

    /** Waits until everything offered is sent. */
    void drain(final boolean shutdown) {
        pipe.finish();
        if (sender != null) {
            Threads.join(sender);
        }
        if (shutdown && !over) {
            try {
                data().shutdown();
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
        pipe.fail(ReplicationException.retry(name + " " + reason, null));
        if (news) {
            close();
            events.lost(this, reason);
        }
    }

    @Override
    public void close() {
        over = true;
        pipe.fail(new ReplicationException(ReplicationException.Category.CANCELLED, "closed"));
        Threads.closeQuietly(control);
        if (data != null) {
            data.close();
        }
    }
}
