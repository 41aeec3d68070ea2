package io.replicate.core.net;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.cert.jcajce.JcaX509v2CRLBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A certificate authority, and directories with what it has issued. */
final class TestCertificates {
    private final X509Bundle authority;

    TestCertificates() throws Exception {
        authority = new CertificateBuilder()
                .subject("CN=replicate test CA")
                .ecp256()
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    /** Returns what a server at this machine would ask for. */
    static CertificateBuilder server() throws Exception {
        return new CertificateBuilder()
                .subject("CN=node1")
                .ecp256()
                .addSanDnsName("localhost")
                .addSanIpAddress("127.0.0.1");
    }

    static CertificateBuilder client() {
        return new CertificateBuilder().subject("CN=node2").rsa2048();
    }

    static CertificateBuilder expired(final CertificateBuilder builder) {
        return builder.notBefore(Instant.now().minus(Duration.ofDays(9)))
                .notAfter(Instant.now().minus(Duration.ofDays(1)));
    }

    /** Writes the CA's certificate and both sides' files. */
    Path write(final Path directory) throws Exception {
        writeAuthority(directory);
        write(directory, "server", server());
        write(directory, "client", client());
        return directory;
    }

    Path writeAuthority(final Path directory) throws Exception {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("ca-cert.pem"), authority.getCertificatePEM());
        return directory;
    }

    void write(final Path directory, final String side, final CertificateBuilder request) throws Exception {
        final X509Bundle issued = request.buildIssuedBy(authority);
        Files.createDirectories(directory);
        Files.writeString(directory.resolve(side + "-cert.pem"), issued.getCertificatePEM());
        Files.writeString(directory.resolve(side + "-key.pem"), issued.getPrivateKeyPEM());
    }

    /** Writes the CA's list of what it has revoked: these certificates. */
    void writeRevocations(final Path directory, final String... certificates) throws Exception {
        final JcaX509v2CRLBuilder list =
                new JcaX509v2CRLBuilder(authority.getCertificate().getSubjectX500Principal(), new Date());
        list.setNextUpdate(Date.from(Instant.now().plus(Duration.ofDays(1))));
        for (final String certificate : certificates) {
            list.addCRLEntry(
                    Pem.certificates(directory.resolve(certificate)).get(0).getSerialNumber(),
                    new Date(),
                    CRLReason.keyCompromise);
        }
        final byte[] encoded = list.build(new JcaContentSignerBuilder("SHA256withECDSA")
                        .build(authority.getKeyPair().getPrivate()))
                .getEncoded();
        Files.writeString(
                directory.resolve("ca-crl.pem"),
                "-----BEGIN X509 CRL-----\n" + Base64.getMimeEncoder().encodeToString(encoded)
                        + "\n-----END X509 CRL-----\n");
    }
}
