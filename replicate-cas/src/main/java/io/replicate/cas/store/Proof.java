package io.replicate.cas.store;

import io.replicate.core.spi.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;

/** Compares bytes with the digest that names them. */
public final class Proof {
    private static final int PIECE_BYTES = 1 << 16;
    private static final ThreadLocal<byte[]> PIECE = ThreadLocal.withInitial(() -> new byte[PIECE_BYTES]);

    private Proof() {}

    /** Returns whether the bytes from position to limit have the digest's hash; the position stays. */
    public static boolean holds(final Digest digest, final ByteBuffer bytes) {
        return digest.hashEquals(hash(digest.algorithm(), bytes));
    }

    /** Returns the hash of the bytes from position to limit; the position stays. */
    public static byte[] hash(final Digest.Algorithm algorithm, final ByteBuffer bytes) {
        final MessageDigest computation = algorithm.newMessageDigest();
        final ByteBuffer rest = bytes.duplicate();
        // In pieces that stay in the cache: update(ByteBuffer) copies direct memory in pieces of 4 KiB.
        final byte[] piece = PIECE.get();
        while (rest.hasRemaining()) {
            final int length = Math.min(piece.length, rest.remaining());
            rest.get(piece, 0, length);
            computation.update(piece, 0, length);
        }
        return computation.digest();
    }
}
