package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/**
 * A key and a self-signed certificate (RFC 5280) that live as long as the process, for servers that prove themselves by a
 * shared secret: TLS wants a certificate, and the secret is bound to it.
 *
 * <p><b>Design note:</b> the JDK makes no certificates. Netty's CertificateBuilder needs nine megabytes of Bouncy Castle,
 * keytool is absent from small images; a version 3 certificate without extensions is a dozen DER values.
 */
final class EphemeralIdentity {
    private static final byte[] ECDSA_WITH_SHA256 = Der.sequence(Der.oid(1, 2, 840, 10045, 4, 3, 2));
    private static final byte[] COMMON_NAME = Der.oid(2, 5, 4, 3);
    private static final byte[] VERSION_3 = Der.value(Der.CONTEXT_0, Der.integer(BigInteger.TWO));
    private static final int SERIAL_BITS = 120;
    private static final Duration CLOCK_SKEW = Duration.ofDays(1);
    private static final Duration LIFE = Duration.ofDays(3650);

    private final PrivateKey key;
    private final X509Certificate certificate;

    private EphemeralIdentity(final PrivateKey key, final X509Certificate certificate) {
        this.key = key;
        this.certificate = certificate;
    }

    /** Makes a new one, of an EC key on P-256. */
    static EphemeralIdentity create() throws ReplicationException {
        try {
            final KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            final KeyPair pair = generator.generateKeyPair();
            final byte[] toSign = toBeSigned(pair.getPublic().getEncoded(), Instant.now());
            final Signature signature = Signature.getInstance("SHA256withECDSA");
            signature.initSign(pair.getPrivate());
            signature.update(toSign);
            final byte[] der =
                    Der.sequence(toSign, ECDSA_WITH_SHA256, Der.value(Der.BIT_STRING, new byte[1], signature.sign()));
            final X509Certificate certificate = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
            return new EphemeralIdentity(pair.getPrivate(), certificate);
        } catch (final GeneralSecurityException e) {
            throw ReplicationException.fail("make a certificate: " + e.getMessage(), e);
        }
    }

    private static byte[] toBeSigned(final byte[] subjectPublicKeyInfo, final Instant now) {
        final byte[] name = Der.sequence(
                Der.value(Der.SET, Der.sequence(COMMON_NAME, Der.utf8("replicate, proven by a shared secret"))));
        return Der.sequence(
                VERSION_3,
                Der.integer(new BigInteger(SERIAL_BITS, new SecureRandom()).setBit(SERIAL_BITS)),
                ECDSA_WITH_SHA256,
                name,
                Der.sequence(time(now.minus(CLOCK_SKEW)), time(now.plus(LIFE))),
                name,
                subjectPublicKeyInfo);
    }

    private static byte[] time(final Instant at) {
        final String text = DateTimeFormatter.ofPattern("yyyyMMddHHmmss'Z'").format(at.atOffset(ZoneOffset.UTC));
        return Der.value(Der.GENERALIZED_TIME, text.getBytes(StandardCharsets.US_ASCII));
    }

    PrivateKey key() {
        return key;
    }

    X509Certificate certificate() {
        return certificate;
    }
}
