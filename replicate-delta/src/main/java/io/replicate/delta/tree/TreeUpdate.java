package io.replicate.delta.tree;

import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.Arrays;

/** Sets leaves of a tree, in ascending order, and everything above them. Used by one thread. */
final class TreeUpdate {
    private static final int SHA_BYTES = 32;

    private final TreeFile tree;
    private final boolean fresh;
    private final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
    private final byte[] digest = new byte[SHA_BYTES];
    private final byte[][] pages;
    private final long[] current;

    /**
     * Creates an update.
     *
     * @param fresh whether every leaf will be set, so that nothing need be read.
     */
    TreeUpdate(final TreeFile tree, final boolean fresh) {
        this.tree = tree;
        this.fresh = fresh;
        this.pages = new byte[tree.shape().levels()][TreeShape.PAGE_BYTES];
        this.current = new long[pages.length];
        Arrays.fill(current, -1);
    }

    /** Sets the hash of a leaf from its bytes. */
    void leaf(final long index, final ByteBuffer bytes) throws IOException {
        sha.update(bytes);
        finishDigest();
        set(0, index);
    }

    /** Sets the hash of a leaf, which is in {@code hashes} at {@code at}. */
    void hash(final long index, final byte[] hashes, final int at) throws IOException {
        System.arraycopy(hashes, at, digest, 0, TreeShape.HASH_BYTES);
        set(0, index);
    }

    /** Puts the hash that is ready into its page, loading that and ending the page before. */
    private void set(final int level, final long index) throws IOException {
        final long page = index / TreeShape.FAN_OUT;
        if (current[level] != page) {
            final byte[] hash = Arrays.copyOf(digest, TreeShape.HASH_BYTES);
            end(level);
            System.arraycopy(hash, 0, digest, 0, hash.length);
            current[level] = page;
            if (!fresh) {
                final byte[] old = tree.page(level, page);
                System.arraycopy(old, 0, pages[level], 0, old.length);
            }
        }
        System.arraycopy(
                digest,
                0,
                pages[level],
                (int) (index % TreeShape.FAN_OUT) * TreeShape.HASH_BYTES,
                TreeShape.HASH_BYTES);
    }

    private void end(final int level) throws IOException {
        final long page = current[level];
        if (page < 0) {
            return;
        }
        final int length = tree.shape().pageCount(level, page) * TreeShape.HASH_BYTES;
        tree.writePage(level, page, pages[level], length);
        current[level] = -1;
        if (level + 1 < pages.length) {
            sha.update(pages[level], 0, length);
            finishDigest();
            set(level + 1, page);
        }
    }

    private void finishDigest() {
        try {
            sha.digest(digest, 0, SHA_BYTES);
        } catch (final DigestException e) {
            throw new IllegalStateException("32 bytes are enough", e);
        }
    }

    /** Writes what is still in memory, up to the root. */
    void finish() throws IOException {
        for (int level = 0; level < pages.length; level++) {
            end(level);
        }
    }
}
