package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads PEM files (RFC 7468): certificates, and private keys in PKCS#8, PKCS#1 (RFC 8017) and SEC 1 (RFC 5915) form.
 * Every failure is MISUSE and names the file.
 */
final class Pem {
    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----\\s*(.*?)-----END \\1-----", Pattern.DOTALL);
    private static final byte[] RSA_ENCRYPTION = Der.sequence(Der.oid(1, 2, 840, 113549, 1, 1, 1), Der.value(Der.NULL));
    private static final byte[] EC_PUBLIC_KEY = Der.oid(1, 2, 840, 10045, 2, 1);
    private static final byte[] VERSION_0 = Der.integer(BigInteger.ZERO);

    private Pem() {}

    static List<X509Certificate> certificates(final Path file) throws ReplicationException {
        try {
            final Collection<? extends Certificate> found =
                    CertificateFactory.getInstance("X.509").generateCertificates(stream(file));
            if (!found.isEmpty()) {
                return found.stream().map(X509Certificate.class::cast).toList();
            }
        } catch (final GeneralSecurityException e) {
            throw bad(file, "not a PEM certificate: " + e.getMessage(), e);
        }
        throw bad(file, "there is no certificate in it", null);
    }

    static Collection<? extends CRL> revocations(final Path file) throws ReplicationException {
        try {
            return CertificateFactory.getInstance("X.509").generateCRLs(stream(file));
        } catch (final GeneralSecurityException e) {
            throw bad(file, "not a PEM revocation list: " + e.getMessage(), e);
        }
    }

    private static InputStream stream(final Path file) throws ReplicationException {
        return new ByteArrayInputStream(text(file).getBytes(StandardCharsets.ISO_8859_1));
    }

    static PrivateKey privateKey(final Path file) throws ReplicationException {
        final Matcher block = BLOCK.matcher(text(file));
        while (block.find()) {
            final String type = block.group(1);
            if (!type.endsWith("PRIVATE KEY")) {
                continue; // such as EC PARAMETERS
            }
            if (type.startsWith("ENCRYPTED") || block.group(2).contains(":")) {
                throw bad(
                        file,
                        "the private key is encrypted; store it without a pass phrase, readable only to its user",
                        null);
            }
            try {
                final byte[] body = Base64.getMimeDecoder().decode(block.group(2));
                return switch (type) {
                    case "PRIVATE KEY" -> pkcs8(body);
                    case "RSA PRIVATE KEY" ->
                        pkcs8(Der.sequence(VERSION_0, RSA_ENCRYPTION, Der.value(Der.OCTET_STRING, body)));
                    case "EC PRIVATE KEY" ->
                        pkcs8(Der.sequence(VERSION_0, curveOf(body), Der.value(Der.OCTET_STRING, body)));
                    default ->
                        throw bad(file, "a key of type '" + type + "' is not supported; use RSA, EC or PKCS#8", null);
                };
            } catch (final IllegalArgumentException | GeneralSecurityException e) {
                throw bad(file, "not a private key: " + e.getMessage(), e);
            }
        }
        throw bad(file, "there is no private key in it", null);
    }

    private static PrivateKey pkcs8(final byte[] der) throws GeneralSecurityException {
        final ByteBuffer key = Der.content(ByteBuffer.wrap(der), Der.SEQUENCE);
        Der.content(key, Der.INTEGER);
        final ByteBuffer algorithm = Der.content(key, Der.SEQUENCE);
        final boolean ec = algorithm
                .duplicate()
                .limit(Math.min(EC_PUBLIC_KEY.length, algorithm.limit()))
                .equals(ByteBuffer.wrap(EC_PUBLIC_KEY));
        final boolean rsa = Der.content(algorithm, Der.OBJECT_IDENTIFIER)
                .equals(Der.content(Der.content(ByteBuffer.wrap(RSA_ENCRYPTION), Der.SEQUENCE), Der.OBJECT_IDENTIFIER));
        return KeyFactory.getInstance(ec ? "EC" : rsa ? "RSA" : "EdDSA").generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    /** Returns the algorithm identifier of a SEC 1 key, which carries its curve in an optional field. */
    private static byte[] curveOf(final byte[] sec1) {
        final ByteBuffer key = Der.content(ByteBuffer.wrap(sec1), Der.SEQUENCE);
        Der.content(key, Der.INTEGER);
        Der.content(key, Der.OCTET_STRING);
        if (Der.peek(key) != Der.CONTEXT_0) {
            throw new IllegalArgumentException("it does not name its curve");
        }
        final ByteBuffer curve = Der.content(key, Der.CONTEXT_0);
        final byte[] oid = new byte[curve.remaining()];
        curve.get(oid);
        return Der.sequence(EC_PUBLIC_KEY, oid);
    }

    private static String text(final Path file) throws ReplicationException {
        try (InputStream in = Files.newInputStream(file)) {
            final byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
            if (bytes.length > MAX_FILE_BYTES) {
                throw bad(file, "it is larger than " + MAX_FILE_BYTES + " bytes", null);
            }
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (final NoSuchFileException e) {
            throw bad(file, "there is no such file", e);
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw bad(file, "it cannot be read: " + e.getMessage(), e);
        }
    }

    private static ReplicationException bad(final Path file, final String why, final @Nullable Throwable cause) {
        return new ReplicationException(ReplicationException.Category.MISUSE, file + ": " + why, cause);
    }
}
