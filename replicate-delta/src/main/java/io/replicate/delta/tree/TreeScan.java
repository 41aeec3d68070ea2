package io.replicate.delta.tree;

import io.replicate.core.job.Throttle;
import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;

/** Reads an image from end to end for its hashes. */
public final class TreeScan {
    private static final int PIECE_BYTES = 1 << 20;

    private final RandomBytes image;
    private final Throttle throttle;
    private final Cancellation cancellation;

    /** Creates a scan of an image, at most as fast as the throttle allows. */
    public TreeScan(final RandomBytes image, final Throttle throttle, final Cancellation cancellation) {
        this.image = image;
        this.throttle = throttle;
        this.cancellation = cancellation;
    }

    private interface Leaves {
        void leaf(long index, ByteBuffer bytes) throws IOException;
    }

    /** Builds the tree of the first {@code imageBytes}; whole, durable, of the given generation. Takes the file over. */
    public TreeFile build(final StateFile file, final long imageBytes, final String generation) throws IOException {
        final TreeFile tree = TreeFile.create(file, new TreeShape(imageBytes, TreeShape.DEFAULT_LEAF_BYTES));
        final TreeUpdate update = new TreeUpdate(tree, true);
        scan(tree.shape(), update::leaf);
        update.finish();
        tree.complete(generation);
        return tree;
    }

    /**
     * Compares an image with its tree.
     *
     * @return how many leaves differ.
     */
    public long scrub(final TreeReader tree, final TreeDiff.Visitor visitor) throws IOException {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        final long[] bad = new long[1];
        final long[] current = {-1};
        final byte[][] page = new byte[1][];
        scan(tree.shape(), (index, bytes) -> {
            final long number = index / TreeShape.FAN_OUT;
            if (number != current[0]) {
                page[0] = tree.page(0, number);
                current[0] = number;
            }
            final int length = bytes.remaining();
            sha.update(bytes);
            final int at = (int) (index % TreeShape.FAN_OUT) * TreeShape.HASH_BYTES;
            if (!Arrays.equals(sha.digest(), 0, TreeShape.HASH_BYTES, page[0], at, at + TreeShape.HASH_BYTES)) {
                bad[0]++;
                visitor.differs(index * tree.shape().leafBytes(), length);
            }
        });
        return bad[0];
    }

    private void scan(final TreeShape shape, final Leaves leaves) throws IOException {
        final ByteBuffer buffer = Alignment.buffer(PIECE_BYTES);
        final int leaf = shape.leafBytes();
        if (shape.imageBytes() == 0) {
            leaves.leaf(0, ByteBuffer.allocate(0));
        }
        for (long at = 0; at < shape.imageBytes(); at += PIECE_BYTES) {
            cancellation.check();
            final int n = (int) Math.min(PIECE_BYTES, shape.imageBytes() - at);
            throttle.acquire(n, cancellation);
            image.read(at, buffer.clear().limit(n));
            for (int i = 0; i < n; i += leaf) {
                leaves.leaf((at + i) / leaf, buffer.slice(i, Math.min(leaf, n - i)));
            }
        }
    }
}
