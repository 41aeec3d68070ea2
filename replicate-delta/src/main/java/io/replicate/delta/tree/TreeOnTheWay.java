package io.replicate.delta.tree;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.cow.RandomBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * A source that builds the hash tree of what is read from it, by whatever threads and in whatever order: a full copy
 * needs no second pass. What was not read, as it is a hole, or only in parts, is read in the end. Safe for concurrent
 * reads; the rest by one thread.
 */
public final class TreeOnTheWay implements Source<Extent> {
    private static final byte[] UNSET = new byte[TreeShape.HASH_BYTES];

    private final Source<Extent> source;
    private final TreeFile tree;

    /**
     * Creates a source over another, of known size, which is closed with it.
     *
     * @param file empty, for the tree; it stays open when the source is closed.
     */
    public TreeOnTheWay(final Source<Extent> source, final StateFile file) throws IOException {
        this.source = source;
        this.tree = TreeFile.create(file, new TreeShape(source.geometry().sizeBytes(), TreeShape.DEFAULT_LEAF_BYTES));
    }

    @Override
    public Geometry geometry() {
        return source.geometry();
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        return source.plan(selection);
    }

    @Override
    public Revision revision() throws IOException {
        return source.revision();
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        final int n = source.read(unit, into);
        if (n > 0) {
            hash(unit.offset(), into.bytes().slice(0, n));
        }
        return n;
    }

    /** Sets the hashes of the leaves that lie in these bytes whole. */
    private void hash(final long offset, final ByteBuffer bytes) throws IOException {
        final TreeShape shape = tree.shape();
        final int leaf = shape.leafBytes();
        final long first = (offset + leaf - 1) / leaf;
        final long end = offset + bytes.remaining();
        final long last = end == shape.imageBytes() ? shape.count(0) : end / leaf;
        if (last <= first) {
            return;
        }
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        final byte[] digest = new byte[sha.getDigestLength()];
        final ByteBuffer hashes = ByteBuffer.allocateDirect((int) (last - first) * TreeShape.HASH_BYTES);
        for (long index = first; index < last; index++) {
            final int at = (int) (index * leaf - offset);
            sha.update(bytes.slice(at, Math.min(leaf, bytes.remaining() - at)));
            try {
                sha.digest(digest, 0, digest.length);
            } catch (final DigestException e) {
                throw new IllegalStateException("the array has the digest's length", e);
            }
            hashes.put(digest, 0, TreeShape.HASH_BYTES);
        }
        synchronized (tree) {
            tree.writeLeaves(first, hashes.flip());
        }
    }

    /**
     * Completes the tree, durably, as that of a generation, once the copy is done.
     *
     * @param copy where the leaves that were not read are read now.
     * @return how many leaves that were.
     */
    public long complete(final RandomBytes copy, final String generation) throws IOException {
        final TreeShape shape = tree.shape();
        final TreeUpdate update = new TreeUpdate(tree, true);
        final ByteBuffer run = Alignment.buffer(TreeShape.FAN_OUT * shape.leafBytes());
        long missed = 0;
        for (long page = 0; page * TreeShape.FAN_OUT < shape.count(0); page++) {
            final byte[] hashes = tree.page(0, page);
            final int leaves = hashes.length / TreeShape.HASH_BYTES;
            for (int i = 0, end; i < leaves; i = end) {
                final long index = page * TreeShape.FAN_OUT + i;
                end = i;
                while (end < leaves && isUnset(hashes, end)) {
                    end++;
                }
                if (end > i) {
                    leaves(copy, index, end - i, run, update);
                    missed += end - i;
                } else {
                    update.hash(index, hashes, i * TreeShape.HASH_BYTES);
                    end++;
                }
            }
        }
        update.finish();
        tree.complete(generation);
        return missed;
    }

    private static boolean isUnset(final byte[] hashes, final int leaf) {
        final int at = leaf * TreeShape.HASH_BYTES;
        return Arrays.equals(hashes, at, at + TreeShape.HASH_BYTES, UNSET, 0, TreeShape.HASH_BYTES);
    }

    /** Reads leaves that follow each other at once. */
    private void leaves(
            final RandomBytes copy, final long first, final int count, final ByteBuffer run, final TreeUpdate update)
            throws IOException {
        final int leaf = tree.shape().leafBytes();
        final long offset = first * leaf;
        final int length = (int) Math.min((long) count * leaf, tree.shape().imageBytes() - offset);
        copy.read(offset, run.clear().limit(length));
        for (int i = 0; i < count; i++) {
            update.leaf(first + i, run.slice(i * leaf, Math.min(leaf, length - i * leaf)));
        }
    }

    /** Closes the source; the tree can still be completed. */
    @Override
    public void close() throws IOException {
        source.close();
    }
}
