package io.replicate.ring.dolly;

import io.replicate.core.spi.Digest;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The shared password of the modern dialect: a client proves it by SHA256(SHA256(password) || nonce). */
final class Password {
    static final int NONCE_BYTES = 32;
    static final int PROOF_BYTES = 32;

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final byte[] PARENT = "replicate dolly parent 1".getBytes(StandardCharsets.US_ASCII);

    private final byte[] hash;

    private Password(final byte[] hash) {
        this.hash = hash;
    }

    static Password of(final String text) {
        return new Password(Digest.Algorithm.SHA_256.newMessageDigest().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    static byte[] nonce(final int bytes) {
        final byte[] nonce = new byte[bytes];
        RANDOM.nextBytes(nonce);
        return nonce;
    }

    /** Returns the child's answer to a nonce. */
    byte[] proof(final byte[] nonce) {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        sha.update(hash);
        return sha.digest(nonce);
    }

    boolean proves(final byte[] nonce, final byte[] answer) {
        return MessageDigest.isEqual(proof(nonce), answer);
    }

    /** Returns how a parent of ours proves the password to a child of ours: an HMAC over what the child announced. */
    byte[] parentProof(final byte[] childNonce) {
        try {
            final Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(hash, "HmacSHA256"));
            mac.update(PARENT);
            return mac.doFinal(childNonce);
        } catch (final GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    /** Compares in a time that tells nothing. */
    static boolean equal(final String a, final String b) {
        return MessageDigest.isEqual(a.getBytes(StandardCharsets.US_ASCII), b.getBytes(StandardCharsets.US_ASCII));
    }

    boolean parentProves(final byte[] childNonce, final byte[] answer) {
        return MessageDigest.isEqual(parentProof(childNonce), answer);
    }
}
