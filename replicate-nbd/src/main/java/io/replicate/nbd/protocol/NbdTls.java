package io.replicate.nbd.protocol;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.netty.handler.ssl.JdkSslContext;
import io.netty.handler.ssl.SslContext;
import io.replicate.core.net.TlsIdentity;
import io.replicate.core.spi.ReplicationException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * TLS 1.3 and 1.2 with X.509 certificates, from a directory with the PEM files that QEMU, nbdkit and libnbd use:
 * {@code ca-cert.pem}, {@code server-cert.pem}, {@code server-key.pem}, {@code client-cert.pem}, {@code client-key.pem}.
 */
public final class NbdTls {
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    private NbdTls() {}

    /**
     * Returns a server's side.
     *
     * @param verifyPeer whether clients must have a certificate of the CA.
     * @throws ReplicationException MISUSE when a file is missing or broken.
     */
    public static SslContext server(Path certificates, boolean verifyPeer) throws ReplicationException {
        return wrap(
                TlsIdentity.ofDirectory(certificates, "server", true, verifyPeer),
                false,
                verifyPeer ? ClientAuth.REQUIRE : ClientAuth.NONE);
    }

    /**
     * Returns a client's side.
     *
     * @param certificates empty to trust the CAs of the JDK and have no certificate.
     * @param verifyPeer whether the server's certificate must be of the CA.
     */
    public static SslContext client(Optional<Path> certificates, boolean verifyPeer) throws ReplicationException {
        final TlsIdentity identity = certificates.isPresent()
                ? TlsIdentity.ofDirectory(certificates.get(), "client", false, verifyPeer)
                : TlsIdentity.system(verifyPeer);
        return wrap(identity, true, ClientAuth.NONE);
    }

    private static SslContext wrap(TlsIdentity identity, boolean client, ClientAuth auth) {
        return new JdkSslContext(
                identity.context(),
                client,
                null,
                IdentityCipherSuiteFilter.INSTANCE,
                ApplicationProtocolConfig.DISABLED,
                auth,
                PROTOCOLS,
                false);
    }
}
