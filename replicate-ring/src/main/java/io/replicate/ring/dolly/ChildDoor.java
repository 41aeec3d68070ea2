package io.replicate.ring.dolly;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The parent's side of the beginning: configures a new child, or takes over one of ours whose parent has died. */
final class ChildDoor {
    private static final Duration AUTH_PAUSE = Duration.ofMillis(200);
    private static final Duration REFUSAL_PAUSE = Duration.ofMillis(100);
    private static final Duration TAKEOVER_PAUSE = Duration.ofMillis(250);
    private static final int READ_UNIT = 1448;
    private static final Pattern AT = Pattern.compile("\\+at ([0-9]{1,18})");

    private final Outflow.Plan plan;
    private final Sockets sockets;
    private final DollyOptions options;
    private final @Nullable Password password;

    ChildDoor(final Outflow.Plan plan, final Sockets sockets) {
        this.plan = plan;
        this.sockets = sockets;
        this.options = plan.options();
        this.password = options.password() == null ? null : Password.of(options.password());
    }

    /** Connects to a child and configures it: steps 1 to 6, the control connection first. */
    Child open(final int index, final Child.Events events) throws IOException {
        final String name = plan.config().hosts().get(index);
        final DollyListener listener = options.listener();
        listener.verbose("Connecting to host " + name + "...");
        final Deadline deadline = Deadline.in(options.startWait());
        final ControlLink control = new ControlLink(sockets.control(name, deadline));
        @Nullable DataOut data = null;
        try {
            if (plan.dialect() == Dialect.MODERN) {
                authenticate(control, name);
            }
            // an old child's queue holds two connections: of more it takes the first ones once it is configured
            if (plan.config().add().count() > 0) {
                configure(control);
                data = connectData(name, deadline);
            } else {
                data = connectData(name, deadline);
                configure(control);
            }
            listener.verbose("data control.");
            return new Child(index, name, plan, password, control, data, events);
        } catch (final IOException e) {
            Threads.closeQuietly(control);
            if (data != null) {
                data.close();
            }
            throw e;
        }
    }

    private DataOut connectData(final String name, final Deadline deadline) throws IOException {
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
        final DataOut data = new DataOut(links, options.blockBytes());
        data.timeout(options.idleWait());
        return data;
    }

    private void configure(final ControlLink control) throws IOException {
        if (plan.dialect() == Dialect.MODERN) {
            control.write(new byte[] {(byte) (plan.directory() ? 1 : 0), 0, 0, 0});
        }
        control.write(wire(plan.text().bytes()));
    }

    /** An old node reads again after exactly 1448 bytes; whoever sends so many adds a space. */
    static byte[] wire(final byte[] text) {
        if (text.length != READ_UNIT) {
            return text;
        }
        final byte[] longer = Arrays.copyOf(text, READ_UNIT + 1);
        longer[READ_UNIT] = ' ';
        return longer;
    }

    /** Proves nothing to a child without a password; else asks it for its proof. */
    private void authenticate(final ControlLink control, final String name) throws IOException {
        if (password == null) {
            control.write(new byte[] {0});
            if (endsAtOnce(control)) {
                throw ReplicationException.fail(
                        "client " + name + " closed the connection at once: it asks for a password (-P)", null);
            }
            return;
        }
        authenticate(control, name, password, options.startWait());
        pause(AUTH_PAUSE); // old clients swallow what comes together with OK
    }

    /** Steps 1 to 4, towards a child that has a password. */
    static void authenticate(final ControlLink control, final String name, final Password password, final Duration wait)
            throws IOException {
        final byte[] nonce = Password.nonce(Password.NONCE_BYTES);
        control.write(
                ByteBuffer.allocate(1 + nonce.length).put((byte) 1).put(nonce).array());
        final byte @Nullable [] answer = proof(control, wait);
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

    private static boolean endsAtOnce(final ControlLink control) throws IOException {
        try {
            return !control.fillOrWait(REFUSAL_PAUSE);
        } catch (final IOException e) {
            requireReset(e);
            return true;
        }
    }

    /** Returns the answer, or null where the child ends the connection instead. */
    private static byte @Nullable [] proof(final ControlLink control, final Duration wait) throws IOException {
        try {
            return control.takeOrEnd(Password.PROOF_BYTES, wait);
        } catch (final IOException e) {
            requireReset(e);
            return null;
        }
    }

    /** An old child closes without having read all that was sent, which its kernel says by a reset. */
    private static void requireReset(final IOException e) throws IOException {
        if (!String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("reset")) {
            throw e;
        }
    }

    /**
     * Takes over a node of ours.
     *
     * @param goOn whether there is still a reason to.
     * @return the child, which says from where it must be fed, or null when it does not live.
     */
    @Nullable
    Child takeOver(final int index, final String token, final Child.Events events, final BooleanSupplier goOn)
            throws ReplicationException {
        final String name = plan.config().hosts().get(index);
        final Deadline deadline = Deadline.in(Extension.patience(options));
        while (goOn.getAsBoolean() && !deadline.passed()) {
            final @Nullable Child child;
            try {
                child = tryTakeOver(index, name, token, events);
            } catch (final IOException e) {
                options.listener().verbose("Client " + name + " cannot be taken over: " + e.getMessage());
                return null;
            }
            if (child != null) {
                return child;
            }
            pause(TAKEOVER_PAUSE);
        }
        return null;
    }

    /** Returns null when the node still believes that its parent lives. */
    private @Nullable Child tryTakeOver(
            final int index, final String name, final String token, final Child.Events events) throws IOException {
        final Duration wait = Extension.silence(options).dividedBy(2);
        final ControlLink control = new ControlLink(sockets.controlOnce(name, wait));
        boolean kept = false;
        try {
            final String proof = password == null
                    ? "-"
                    : HexFormat.of()
                            .formatHex(password.parentProof(HexFormat.of().parseHex(token)));
            final byte[] line = ("resume " + token + " " + proof + "\n").getBytes(StandardCharsets.US_ASCII);
            control.write(ByteBuffer.allocate(Extension.MAGIC.length + line.length)
                    .put(Extension.MAGIC)
                    .put(line)
                    .array());
            final @Nullable String answer = control.line(wait);
            if (answer == null) {
                throw ReplicationException.retry("it has ended", null);
            }
            final Matcher at = AT.matcher(answer);
            if (!at.matches()) {
                return null;
            }
            final DataOut data = connectData(name, Deadline.in(wait));
            kept = true;
            return Child.takenOver(index, name, plan, password, control, data, events, Long.parseLong(at.group(1)));
        } finally {
            if (!kept) {
                Threads.closeQuietly(control);
            }
        }
    }

    private static void pause(final Duration time) throws ReplicationException {
        try {
            Thread.sleep(time.toMillis());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }
}
