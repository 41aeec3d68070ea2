package io.replicate.core.net;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a TLS peer proves itself by, and what it demands of the other.
 *
 * @param certificates a directory with PEM files, named as QEMU and nbdkit name them: {@code ca-cert.pem},
 *     {@code server-cert.pem}, {@code server-key.pem}, {@code client-cert.pem}, {@code client-key.pem}, and
 *     {@code ca-crl.pem} for what was revoked.
 * @param verifyPeer whether the other side's certificate is verified: by a server that has certificates, clients must
 *     have one; by a client, the server's must be of the CA and for the host.
 * @param hostname what the server's certificate must be for, if it is not the host that was connected to.
 * @param secret that both sides must know.
 */
public record TlsOptions(
        Optional<Path> certificates, boolean verifyPeer, Optional<String> hostname, Optional<SharedSecret> secret) {
    static final String CERTIFICATES = "certificates";
    static final String VERIFY_PEER = "verify-peer";
    static final String HOSTNAME = "hostname";

    /** Reads the parameters {@code certificates}, {@code verify-peer}, {@code hostname} and {@code secret-file}. */
    public static TlsOptions of(final Locator locator) throws ReplicationException {
        return new TlsOptions(
                locator.parameter(CERTIFICATES).map(Path::of),
                locator.parameter(VERIFY_PEER).isEmpty() || locator.flag(VERIFY_PEER),
                locator.parameter(HOSTNAME),
                SharedSecret.find(locator));
    }
}
