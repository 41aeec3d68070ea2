package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * One side of TLS 1.3 or 1.2 (RFC 8446, RFC 5246), to be put over links. Immutable and safe for concurrent use.
 *
 * <p>Two peers of this library know each other by ALPN (RFC 7301) and say more than TLS alone does: with
 * {@code replicate/1} the server sends one byte, 'A', once it has accepted the client's certificate, so that a client is
 * refused while it connects and not later; with {@code replicate-secret/1} both run {@link SharedSecret}, bound to the
 * SHA-256 of the server's certificate. A secret on one side only is no common protocol, and ends the handshake on both.
 */
public final class Tls {
    private static final String PLAIN = "replicate/1";
    private static final String WITH_SECRET = "replicate-secret/1";
    private static final byte ACCEPTED = 'A';

    private final TlsIdentity identity;
    private final TlsOptions options;
    private final boolean server;

    private Tls(final TlsIdentity identity, final TlsOptions options, final boolean server) {
        this.identity = identity;
        this.options = options;
        this.server = server;
    }

    /**
     * Returns the client's side.
     *
     * @throws ReplicationException MISUSE when a certificate or key cannot be read.
     */
    public static Tls client(final TlsOptions options) throws ReplicationException {
        final TlsIdentity identity;
        if (options.certificates().isPresent()) {
            identity = TlsIdentity.ofDirectory(options.certificates().get(), "client", false, options.verifyPeer());
        } else if (options.secret().isPresent()) {
            identity = TlsIdentity.ephemeral(false);
        } else {
            identity = TlsIdentity.system(options.verifyPeer());
        }
        return new Tls(identity, options, false);
    }

    /**
     * Returns the server's side. With a secret and no certificates it has a certificate of its own making.
     *
     * @throws ReplicationException MISUSE when a certificate or key cannot be read, or there is neither certificate nor
     *     secret.
     */
    public static Tls server(final TlsOptions options) throws ReplicationException {
        if (options.certificates().isPresent()) {
            return new Tls(
                    TlsIdentity.ofDirectory(options.certificates().get(), "server", true, options.verifyPeer()),
                    options,
                    true);
        }
        if (options.secret().isEmpty()) {
            throw ReplicationException.misuse(
                    "tls: a server needs certificates=DIRECTORY, or secret-file=FILE, or a secret in the environment "
                            + "variable " + SharedSecret.ENVIRONMENT);
        }
        return new Tls(TlsIdentity.ephemeral(true), options, true);
    }

    /**
     * Puts TLS over a connected link, and has both sides prove what they must. Takes over the link: on failure it has
     * been closed.
     *
     * @param host that the server's certificate must be for, unless the options name another; ignored by a server.
     * @param timeout for all of it.
     * @throws ReplicationException FAIL_JOB when the peer is a stranger, or takes us for one; RETRY when it is silent or
     *     gone.
     */
    public Link over(final Link plain, final String host, final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        final SSLEngine engine = engine(options.hostname().orElse(host));
        final TlsLink link = new TlsLink(plain, engine);
        try {
            link.handshake(deadline);
            prove(link, engine, deadline);
            plain.timeout(Links.DEFAULT_TIMEOUT);
            return link;
        } catch (final Throwable e) {
            link.abort();
            throw e;
        }
    }

    private SSLEngine engine(final String host) {
        final SSLEngine engine = server
                ? identity.context().createSSLEngine()
                : identity.context().createSSLEngine(host, -1);
        engine.setUseClientMode(!server);
        final SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
        parameters.setApplicationProtocols(new String[] {options.secret().isPresent() ? WITH_SECRET : PLAIN});
        if (server) {
            parameters.setNeedClientAuth(verifiesClients());
        } else if (verifiesServer()) {
            parameters.setEndpointIdentificationAlgorithm("HTTPS"); // RFC 2818: names and addresses of the certificate
        }
        engine.setSSLParameters(parameters);
        return engine;
    }

    private boolean verifiesClients() {
        return options.certificates().isPresent() && options.verifyPeer();
    }

    private boolean verifiesServer() {
        return options.verifyPeer()
                && (options.certificates().isPresent() || options.secret().isEmpty());
    }

    private void prove(final TlsLink link, final SSLEngine engine, final Deadline deadline) throws IOException {
        final boolean verified = server ? verifiesClients() : verifiesServer();
        final @Nullable X509Certificate others = peerCertificate(engine);
        final Optional<String> name = verified && others != null
                ? Optional.of(others.getSubjectX500Principal().getName())
                : Optional.empty();
        final boolean both = verified && !identity.chain().isEmpty();
        link.peer(new Peer(link.peer().address(), name, both));
        final String protocol =
                Optional.ofNullable(engine.getApplicationProtocol()).orElse("");
        if (options.secret().isPresent()) {
            if (!protocol.equals(WITH_SECRET)) {
                throw ReplicationException.fail(
                        "tls: " + link.peer() + " does not know of a shared secret; give both sides the same one",
                        null);
            }
            final byte[] binding = hash(server ? identity.chain().get(0) : others);
            link.peer(options.secret()
                    .get()
                    .authenticate(
                            link,
                            server ? SharedSecret.Role.SERVER : SharedSecret.Role.CLIENT,
                            binding,
                            deadline.left()));
        } else if (protocol.equals(PLAIN)) {
            acceptOrBeAccepted(link, deadline);
        }
    }

    private void acceptOrBeAccepted(final TlsLink link, final Deadline deadline) throws IOException {
        link.timeout(deadline.left());
        final ByteBuffer verdict = ByteBuffer.allocate(1);
        if (server) {
            link.send(verdict.put(ACCEPTED).flip());
        } else if (!Links.receiveFully(link, verdict) || verdict.get(0) != ACCEPTED) {
            throw ReplicationException.fail("tls: " + link.peer() + " did not accept us", null);
        }
    }

    private static @Nullable X509Certificate peerCertificate(final SSLEngine engine) {
        try {
            return (X509Certificate) engine.getSession().getPeerCertificates()[0];
        } catch (final SSLPeerUnverifiedException e) {
            return null;
        }
    }

    /** Returns what a secret is bound to; compare {@code tls-server-end-point} of RFC 5929. */
    private static byte[] hash(final @Nullable X509Certificate certificate) throws ReplicationException {
        try {
            if (certificate != null) {
                return MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
            }
        } catch (final GeneralSecurityException e) {
            throw ReplicationException.fail("tls: hash the server's certificate: " + e.getMessage(), e);
        }
        throw ReplicationException.fail("tls: the server has shown no certificate", null);
    }
}
