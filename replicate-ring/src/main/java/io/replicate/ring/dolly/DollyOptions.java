package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a node takes part in a ring, besides what the configuration says.
 *
 * @param dialect that a server speaks; a client hears which.
 * @param dataPort of the data connections, 9998 in the field.
 * @param controlPort of the control connections, 9997 in the field.
 * @param wakePort where systemd listens on a client, to start dolly.
 * @param bind the local address of a client; empty for all.
 * @param password of the modern dialect, or null.
 * @param mutual whether a client with a password only obeys a server that has proven it, which no real dolly can.
 * @param extended whether neighbours of ours use {@link Extension}.
 * @param killable whether a client without a password ends when {@code -K} asks for it.
 * @param waitForServer how long a client waits for its first server; zero for ever.
 * @param startWait how long a step of building the ring may take.
 * @param idleWait how long data may stand still.
 * @param finishWait how long storing and acknowledging may take behind the last byte.
 * @param tries how often a connection is tried that fails for another reason than being refused.
 * @param blockBytes the unit in which additional links take turns.
 * @param socketBufferBytes SO_SNDBUF and SO_RCVBUF of data connections; 0 leaves them to the kernel.
 * @param hyphenNormal whether a hyphen in a name is a normal character, also where the configuration does not say so.
 * @param pin what a client writes, whatever the configuration says; null to obey.
 * @param force whether a mounted device may be overwritten.
 * @param resolver makes the address that is connected to out of a name of the configuration.
 * @param environment where MYNODENAME, HOST and HOSTNAME are looked up.
 * @param listener is told what happens.
 */
public record DollyOptions(
        Dialect dialect,
        int dataPort,
        int controlPort,
        int wakePort,
        String bind,
        @Nullable String password,
        boolean mutual,
        boolean extended,
        boolean killable,
        Duration waitForServer,
        Duration startWait,
        Duration idleWait,
        Duration finishWait,
        int tries,
        int blockBytes,
        int socketBufferBytes,
        boolean hyphenNormal,
        @Nullable String pin,
        boolean force,
        Resolver resolver,
        Map<String, String> environment,
        DollyListener listener) {

    /** The port of data connections in the field. */
    public static final int DATA_PORT = 9998;
    /** The port of control connections in the field. */
    public static final int CONTROL_PORT = 9997;
    /** The port by which systemd starts clients. */
    public static final int WAKE_PORT = 9996;

    /** Makes the address that is connected to out of a name of the configuration. */
    @FunctionalInterface
    public interface Resolver {
        /** Returns a name or numeric address to connect to. */
        String resolve(String name) throws ReplicationException;
    }

    public DollyOptions {
        environment = Map.copyOf(environment);
    }

    /** Returns a builder with the defaults of the field. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects options. */
    public static final class Builder {
        private Dialect dialect = Dialect.CLASSIC;
        private int dataPort = DATA_PORT;
        private int controlPort = CONTROL_PORT;
        private int wakePort = WAKE_PORT;
        private String bind = "";
        private @Nullable String password;
        private boolean mutual;
        private boolean extended = true;
        private boolean killable = true;
        private Duration waitForServer = Duration.ZERO;
        private Duration startWait = Duration.ofSeconds(60);
        private Duration idleWait = Duration.ofSeconds(30);
        private Duration finishWait = Duration.ofMinutes(2);
        private int tries = 10;
        private int blockBytes = 4096;
        private int socketBufferBytes;
        private boolean hyphenNormal;
        private @Nullable String pin;
        private boolean force;
        private Resolver resolver = name -> name;
        private Map<String, String> environment = System.getenv();
        private DollyListener listener = DollyListener.SILENT;

        private Builder() {}

        /** Sets what a server speaks. */
        public Builder dialect(final Dialect spoken) {
            dialect = spoken;
            return this;
        }

        /** Sets the ports, the same on all nodes. */
        public Builder ports(final int data, final int control) {
            dataPort = data;
            controlPort = control;
            return this;
        }

        /** Sets the port by which systemd starts clients. */
        public Builder wakePort(final int port) {
            wakePort = port;
            return this;
        }

        /** Sets the only address that a client listens at. */
        public Builder bind(final String address) {
            bind = address;
            return this;
        }

        /** Sets the password of the modern dialect. */
        public Builder password(final @Nullable String shared) {
            password = shared;
            return this;
        }

        /** Sets whether a server must prove the password too. */
        public Builder mutual(final boolean wanted) {
            mutual = wanted;
            return this;
        }

        /** Sets whether neighbours of ours use more than dolly's protocol. */
        public Builder extended(final boolean wanted) {
            extended = wanted;
            return this;
        }

        /** Sets whether {@code -K} may end a client that has no password. */
        public Builder killable(final boolean allowed) {
            killable = allowed;
            return this;
        }

        /** Sets how long a client waits for its first server; zero for ever. */
        public Builder waitForServer(final Duration wait) {
            waitForServer = wait;
            return this;
        }

        /** Sets how long a step of building the ring may take, data may stand still, and the end may take. */
        public Builder waits(final Duration start, final Duration idle, final Duration finish) {
            startWait = start;
            idleWait = idle;
            finishWait = finish;
            return this;
        }

        /** Sets how often a connection is tried that fails for another reason than being refused. */
        public Builder tries(final int count) {
            tries = count;
            return this;
        }

        /** Sets the unit in which additional links take turns; the same on all nodes. */
        public Builder blockBytes(final int bytes) {
            blockBytes = bytes;
            return this;
        }

        /** Sets the socket buffers of data connections. */
        public Builder socketBufferBytes(final int bytes) {
            socketBufferBytes = bytes;
            return this;
        }

        /** Sets whether a hyphen in a name is a normal character. */
        public Builder hyphenNormal(final boolean normal) {
            hyphenNormal = normal;
            return this;
        }

        /** Sets the only target that a client writes. */
        public Builder pin(final @Nullable String target) {
            pin = target;
            return this;
        }

        /** Allows to overwrite mounted devices. */
        public Builder force(final boolean allowed) {
            force = allowed;
            return this;
        }

        /** Sets how names become addresses. */
        public Builder resolver(final Resolver how) {
            resolver = how;
            return this;
        }

        /** Sets the environment; that of the process by default. */
        public Builder environment(final Map<String, String> variables) {
            environment = variables;
            return this;
        }

        /** Sets who is told what happens. */
        public Builder listener(final DollyListener told) {
            listener = told;
            return this;
        }

        /** Returns the options. */
        public DollyOptions build() {
            return new DollyOptions(
                    dialect,
                    dataPort,
                    controlPort,
                    wakePort,
                    bind,
                    password,
                    mutual,
                    extended,
                    killable,
                    waitForServer,
                    startWait,
                    idleWait,
                    finishWait,
                    tries,
                    blockBytes,
                    socketBufferBytes,
                    hyphenNormal,
                    pin,
                    force,
                    resolver,
                    environment,
                    listener);
        }
    }
}
