package io.replicate.delta.tree;

/**
 * The shape of a hash tree. Level 0 has one hash per leaf of the image; each hash of the next level is of a page of 256
 * hashes below, up to the level with one hash, the root.
 *
 * @param imageBytes size of the image, at least 0.
 * @param leafBytes size of a leaf, a power of two; the last may be shorter.
 */
public record TreeShape(long imageBytes, int leafBytes) {
    /** Length of a hash: the first half of a SHA-256. */
    public static final int HASH_BYTES = 16;

    /** Hashes per page. */
    public static final int FAN_OUT = 256;

    /** The size of a page in bytes: what one question about a difference costs. */
    public static final int PAGE_BYTES = FAN_OUT * HASH_BYTES;

    /** The leaf size of trees made here. */
    public static final int DEFAULT_LEAF_BYTES = 4096;

    public TreeShape {
        if (imageBytes < 0 || leafBytes < 512 || leafBytes > 1 << 24 || Integer.bitCount(leafBytes) != 1) {
            throw new IllegalArgumentException("tree of " + imageBytes + " bytes, leaves of " + leafBytes);
        }
    }

    /** Returns the number of levels, at least 1. */
    public int levels() {
        int levels = 1;
        for (long n = count(0); n > 1; n = (n + FAN_OUT - 1) / FAN_OUT) {
            levels++;
        }
        return levels;
    }

    /** Returns how many hashes a level has, at least 1. */
    public long count(final int level) {
        long n = Math.max(1, imageBytes / leafBytes + (imageBytes % leafBytes == 0 ? 0 : 1));
        for (int i = 0; i < level; i++) {
            n = (n + FAN_OUT - 1) / FAN_OUT;
        }
        return n;
    }

    /** Returns how many hashes a page of a level has. */
    public int pageCount(final int level, final long page) {
        return (int) Math.min(FAN_OUT, count(level) - page * FAN_OUT);
    }

    /** Returns where a level begins behind the header of a tree's file, in bytes; each is padded to whole pages. */
    public long levelOffset(final int level) {
        long offset = 0;
        for (int i = 0; i < level; i++) {
            offset += (count(i) + FAN_OUT - 1) / FAN_OUT * PAGE_BYTES;
        }
        return offset;
    }
}
