package io.replicate.core.spi;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** The name of a content: a hash and the size of what was hashed. Immutable; equality is by algorithm and hash. */
public final class Digest implements Unit {

    /** Hash functions that name content. */
    public enum Algorithm {
        MD5("MD5", 16),
        SHA_256("SHA-256", 32);

        private final String jcaName;
        private final int hashBytes;

        Algorithm(final String jcaName, final int hashBytes) {
            this.jcaName = jcaName;
            this.hashBytes = hashBytes;
        }

        /** Returns the length of a hash in bytes. */
        public int hashBytes() {
            return hashBytes;
        }

        /** Returns a fresh computation; not safe for use by several threads. */
        public MessageDigest newMessageDigest() {
            try {
                return MessageDigest.getInstance(jcaName);
            } catch (final NoSuchAlgorithmException e) {
                throw new IllegalStateException(jcaName + " is required of every JRE", e);
            }
        }
    }

    private final Algorithm algorithm;
    private final byte[] hash;
    private final long sizeBytes;

    private Digest(final Algorithm algorithm, final byte[] hash, final long sizeBytes) {
        if (hash.length != algorithm.hashBytes) {
            throw new IllegalArgumentException(algorithm.jcaName + " hash of " + hash.length + " bytes");
        }
        if (sizeBytes < UNKNOWN) {
            throw new IllegalArgumentException("size " + sizeBytes);
        }
        this.algorithm = algorithm;
        this.hash = hash;
        this.sizeBytes = sizeBytes;
    }

    /** Returns the digest with this hash (copied) and size in bytes ({@link #UNKNOWN} when it is not known). */
    public static Digest of(final Algorithm algorithm, final byte[] hash, final long sizeBytes) {
        return new Digest(algorithm, hash.clone(), sizeBytes);
    }

    /** Returns the digest whose hash is given in hexadecimal. */
    public static Digest parse(final Algorithm algorithm, final String hex, final long sizeBytes) {
        return new Digest(algorithm, HexFormat.of().parseHex(hex), sizeBytes);
    }

    public Algorithm algorithm() {
        return algorithm;
    }

    /** Returns a copy of the hash. */
    public byte[] hash() {
        return hash.clone();
    }

    /** Returns the hash in lower-case hexadecimal. */
    public String hex() {
        return HexFormat.of().formatHex(hash);
    }

    /** Returns whether the hash equals {@code other}, byte for byte. */
    public boolean hashEquals(final byte[] other) {
        return Arrays.equals(hash, other);
    }

    @Override
    public long lengthBytes() {
        return sizeBytes;
    }

    @Override
    public boolean equals(final Object o) {
        return o instanceof Digest d && algorithm == d.algorithm && Arrays.equals(hash, d.hash);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(hash);
    }

    @Override
    public String toString() {
        return algorithm.jcaName + ":" + hex() + "+" + sizeBytes;
    }
}
