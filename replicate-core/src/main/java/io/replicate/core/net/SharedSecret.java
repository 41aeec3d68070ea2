package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Proves to two peers that both know the same secret, without sending it: a challenge and HMAC-SHA256 in both
 * directions. The messages, all of fixed length:
 *
 * <pre>
 *  client  HELLO    "RPLAUTH1", role 'C', 7 zero bytes, 32 random bytes      48 bytes
 *  server  HELLO    "RPLAUTH1", role 'S', 7 zero bytes, 32 random bytes      48 bytes
 *  client  PROOF    'P', MAC(client)                                         33 bytes
 *  server  PROOF    'P', MAC(server); or 'R', 32 zero bytes: refused         33 bytes
 *  client  VERDICT  'A' accepted, or 'R' refused                              1 byte
 *
 *  MAC(role) = HMAC-SHA256(secret, "replicate shared secret 1 " + role + client HELLO + server HELLO + binding)
 * </pre>
 *
 * The role stands in the MAC, so that no proof can be sent back to whoever made it. The server proves itself only to a
 * client that has done so. A stranger who plays server can collect one client's proof and guess at it in peace, which is
 * why secrets have at least {@value #MIN_BYTES} bytes.
 *
 * <p>The binding is what the channel below is known by: over TLS the hash of the server's certificate, so that a man in
 * the middle, who has another, gains nothing. Over a plain link there is none: strangers are kept out, but whoever can
 * change packets on the way can take the stream over once the proofs are done.
 *
 * <p>Immutable and safe for concurrent use. Nothing here puts the secret into a text.
 */
public final class SharedSecret {
    /** The environment variable that holds the secret itself where no file is named. */
    public static final String ENVIRONMENT = "REPLICATE_SECRET";

    /** The locator parameter that names a file with the secret. */
    public static final String FILE_PARAMETER = "secret-file";

    /** The shortest secret that is taken, in bytes. */
    public static final int MIN_BYTES = 16;

    private static final int MAX_BYTES = 4096;
    private static final String ALGORITHM = "HmacSHA256";
    private static final byte[] LABEL = "replicate shared secret 1 ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] MAGIC = "RPLAUTH1".getBytes(StandardCharsets.US_ASCII);
    private static final int NONCE_OFFSET = 16;
    private static final int HELLO_LENGTH = 48;
    private static final int MAC_LENGTH = 32;
    private static final int PROOF_LENGTH = 1 + MAC_LENGTH;
    private static final byte PROOF = 'P';
    private static final byte ACCEPTED = 'A';
    private static final byte REFUSED = 'R';

    /** Which side of the link we are. */
    public enum Role {
        /** The side that connected. */
        CLIENT('C'),
        /** The side that accepted. */
        SERVER('S');

        private final byte code;

        Role(final char code) {
            this.code = (byte) code;
        }

        private Role other() {
            return this == CLIENT ? SERVER : CLIENT;
        }
    }

    private final SecretKeySpec key;

    private SharedSecret(final byte[] secret) {
        this.key = new SecretKeySpec(secret, ALGORITHM);
    }

    /**
     * Returns the secret with these bytes, which are copied.
     *
     * @throws ReplicationException MISUSE when it is too short or too long.
     */
    public static SharedSecret of(final byte[] secret) throws ReplicationException {
        return checked(secret, "the shared secret");
    }

    /**
     * Returns the secret that a locator names by {@code secret-file}, or else the one of the environment variable, or
     * none.
     *
     * @throws ReplicationException MISUSE when the file cannot be read, is open to everybody, or holds a bad secret.
     */
    public static Optional<SharedSecret> find(final Locator locator) throws ReplicationException {
        return find(locator, System.getenv());
    }

    /**
     * Keeps the environment variable from a command that is about to be started. One that must know the secret is told
     * where its file is: who inherits it shows it to its own children, and in its {@code /proc/PID/environ}.
     */
    public static ProcessBuilder keepFrom(final ProcessBuilder command) {
        command.environment().remove(ENVIRONMENT);
        return command;
    }

    static Optional<SharedSecret> find(final Locator locator, final Map<String, String> environment)
            throws ReplicationException {
        final Optional<String> file = locator.parameter(FILE_PARAMETER);
        if (file.isPresent()) {
            return Optional.of(load(Path.of(file.get())));
        }
        final String text = environment.get(ENVIRONMENT);
        return text == null
                ? Optional.empty()
                : Optional.of(checked(text.getBytes(StandardCharsets.UTF_8), "environment variable " + ENVIRONMENT));
    }

    /**
     * Reads the secret from a file; line ends behind it do not count.
     *
     * @throws ReplicationException MISUSE as {@link #find(Locator)}.
     */
    public static SharedSecret load(final Path file) throws ReplicationException {
        final byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            final Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            if (permissions.contains(PosixFilePermission.OTHERS_READ)
                    || permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
                throw ReplicationException.misuse(
                        "secret file " + file + " is open to every user of this machine; chmod it to 600");
            }
            bytes = in.readNBytes(MAX_BYTES + 2);
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "secret file " + file + " cannot be read: " + reason(e), e);
        }
        int length = bytes.length;
        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r')) {
            length--;
        }
        return checked(java.util.Arrays.copyOf(bytes, length), "secret file " + file);
    }

    private static String reason(final IOException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no such file";
        }
        return e instanceof AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
    }

    private static SharedSecret checked(final byte[] secret, final String where) throws ReplicationException {
        if (secret.length < MIN_BYTES || secret.length > MAX_BYTES) {
            throw ReplicationException.misuse(where + " has " + (secret.length > MAX_BYTES ? "too many" : secret.length)
                    + " bytes, expected " + MIN_BYTES + " to " + MAX_BYTES + "; make one with: openssl rand -hex 32");
        }
        return new SharedSecret(secret);
    }

    /**
     * Has both sides of a link prove that they know the secret, before anything else is sent on it. On return it is
     * proven, and the link has the default timeout. On failure the link is to be closed; no byte of the caller's data
     * was exchanged.
     *
     * @param binding what the channel is known by on both sides; empty for a plain link.
     * @param timeout for all of it, however slowly the peer speaks.
     * @return the peer, now authenticated.
     * @throws ReplicationException FAIL_JOB when the peer has not proven itself, or has refused us; RETRY when it is
     *     silent or gone.
     */
    public Peer authenticate(final Link link, final Role role, final byte[] binding, final Duration timeout)
            throws IOException {
        final Exchange exchange = new Exchange(link, role, Deadline.in(timeout));
        final ByteBuffer own = hello(role);
        final ByteBuffer others = exchange.swapHello(own);
        final ByteBuffer client = role == Role.CLIENT ? own : others;
        final ByteBuffer server = role == Role.CLIENT ? others : own;
        final byte[] ownProof = mac(role, client, server, binding);
        final byte[] expectedProof = mac(role.other(), client, server, binding);
        if (role == Role.CLIENT) {
            exchange.send(ByteBuffer.allocate(PROOF_LENGTH).put(PROOF).put(ownProof));
            final boolean right = exchange.receiveProof(expectedProof);
            exchange.send(ByteBuffer.allocate(1).put(right ? ACCEPTED : REFUSED));
            if (!right) {
                throw exchange.wrong();
            }
        } else {
            if (!exchange.receiveProof(expectedProof)) {
                exchange.send(ByteBuffer.allocate(PROOF_LENGTH).put(REFUSED).position(PROOF_LENGTH));
                throw exchange.wrong();
            }
            exchange.send(ByteBuffer.allocate(PROOF_LENGTH).put(PROOF).put(ownProof));
            exchange.receiveVerdict();
        }
        link.timeout(Links.DEFAULT_TIMEOUT);
        return new Peer(link.peer().address(), link.peer().identity(), true);
    }

    private static ByteBuffer hello(final Role role) {
        final byte[] nonce = new byte[HELLO_LENGTH - NONCE_OFFSET];
        new SecureRandom().nextBytes(nonce);
        return ByteBuffer.allocate(HELLO_LENGTH)
                .put(MAGIC)
                .put(role.code)
                .position(NONCE_OFFSET)
                .put(nonce);
    }

    private byte[] mac(final Role role, final ByteBuffer client, final ByteBuffer server, final byte[] binding) {
        try {
            final Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(LABEL);
            mac.update(role.code);
            mac.update(client.duplicate().clear());
            mac.update(server.duplicate().clear());
            return mac.doFinal(binding);
        } catch (final GeneralSecurityException e) {
            throw new IllegalStateException(ALGORITHM + " is required of every JRE", e);
        }
    }

    /** The messages of one authentication. */
    private record Exchange(Link link, Role role, Deadline deadline) {

        void send(final ByteBuffer message) throws IOException {
            link.timeout(left());
            link.send(message.flip());
        }

        private ByteBuffer receive(final int length) throws IOException {
            final ByteBuffer message = ByteBuffer.allocate(length);
            while (message.hasRemaining()) {
                link.timeout(left());
                if (link.receive(message) < 0) {
                    throw ReplicationException.retry(
                            "shared secret: " + link.peer() + " hung up before it had proven itself"
                                    + (role == Role.CLIENT ? "; does it expect a shared secret?" : ""),
                            new EOFException());
                }
            }
            return message;
        }

        private Duration left() throws ReplicationException {
            if (deadline.passed()) {
                throw ReplicationException.retry(
                        "shared secret: " + link.peer() + " did not prove itself in time", null);
            }
            return deadline.left();
        }

        ByteBuffer swapHello(final ByteBuffer own) throws IOException {
            send(own);
            final ByteBuffer others = receive(HELLO_LENGTH);
            final ByteBuffer expected =
                    ByteBuffer.allocate(NONCE_OFFSET).put(MAGIC).put(role.other().code);
            if (!others.slice(0, NONCE_OFFSET).equals(expected.clear())) {
                throw ReplicationException.fail(
                        "shared secret: " + link.peer() + " speaks something else; does it expect a shared secret?",
                        null);
            }
            return others;
        }

        /** Returns whether the proof is the expected one. */
        boolean receiveProof(final byte[] expected) throws IOException {
            final byte[] message = receive(PROOF_LENGTH).array();
            if (message[0] == REFUSED) {
                throw refused();
            }
            final byte[] proof = java.util.Arrays.copyOfRange(message, 1, PROOF_LENGTH);
            return MessageDigest.isEqual(proof, expected) && message[0] == PROOF;
        }

        void receiveVerdict() throws IOException {
            if (receive(1).get(0) != ACCEPTED) {
                throw refused();
            }
        }

        ReplicationException wrong() {
            return ReplicationException.fail(
                    "shared secret: " + link.peer() + " has another secret than we have, or somebody is in between; "
                            + "nothing was exchanged",
                    null);
        }

        private ReplicationException refused() {
            return ReplicationException.fail(
                    "shared secret: " + link.peer() + " refused ours: the secrets of both sides are not the same, or "
                            + "somebody is in between",
                    null);
        }
    }

    @Override
    public String toString() {
        return "SharedSecret";
    }
}
