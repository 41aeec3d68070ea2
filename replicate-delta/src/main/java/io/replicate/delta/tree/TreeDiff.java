package io.replicate.delta.tree;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.Arrays;

/** Finds the leaves in which two trees differ: from the root down, and only where it differs. */
public final class TreeDiff {

    private TreeDiff() {}

    /** Takes a range in which two images differ, ascending, at most a page of leaves long. */
    public interface Visitor {
        void differs(long offset, long length) throws IOException;
    }

    /**
     * Compares two trees.
     *
     * @return whether they are equal.
     * @throws ReplicationException MISUSE when they are of images of different sizes.
     */
    public static boolean compare(final TreeReader ours, final TreeReader theirs, final Visitor visitor)
            throws IOException {
        if (!ours.shape().equals(theirs.shape())) {
            throw ReplicationException.misuse("the images have different sizes: "
                    + ours.shape().imageBytes() + " and " + theirs.shape().imageBytes() + " bytes");
        }
        if (Arrays.equals(ours.root(), theirs.root())) {
            return true;
        }
        final int top = ours.shape().levels() - 1;
        if (top == 0) {
            visitor.differs(0, ours.shape().imageBytes());
        } else {
            descend(ours, theirs, top - 1, 0, visitor);
        }
        return false;
    }

    private static void descend(
            final TreeReader ours, final TreeReader theirs, final int level, final long page, final Visitor visitor)
            throws IOException {
        final byte[] a = ours.page(level, page);
        final byte[] b = theirs.page(level, page);
        final int count = ours.shape().pageCount(level, page);
        for (int i = 0; i < count; i++) {
            final int from = i * TreeShape.HASH_BYTES;
            final int to = from + TreeShape.HASH_BYTES;
            if (!Arrays.equals(a, from, to, b, from, to)) {
                final long index = page * TreeShape.FAN_OUT + i;
                if (level > 0) {
                    descend(ours, theirs, level - 1, index, visitor);
                } else {
                    final long leaf = ours.shape().leafBytes();
                    visitor.differs(index * leaf, Math.min(leaf, ours.shape().imageBytes() - index * leaf));
                }
            }
        }
    }
}
