package io.replicate.delta.tree;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.Companion;
import io.replicate.delta.apply.RangeListener;
import io.replicate.delta.apply.StateDirectory;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.apply.TargetImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Keeps the tree beside a target true to it: every merge sets the hashes of what it writes. */
public final class TreeCompanion implements Companion {
    /** The tree's file in the directory of state. */
    public static final String NAME = "tree";

    private final StateDirectory directory;
    private @Nullable TreeFile tree;

    public TreeCompanion(final StateDirectory directory) {
        this.directory = directory;
    }

    @Override
    public RangeListener begin(final TargetImage image, final long imageBytes) throws IOException {
        closeTree();
        if (!directory.exists(NAME)) {
            return RangeListener.NONE;
        }
        final @Nullable TreeFile opened = openWhole(imageBytes);
        if (opened == null) {
            directory.delete(NAME);
            return RangeListener.NONE;
        }
        tree = opened;
        return new Listener(opened, image);
    }

    private @Nullable TreeFile openWhole(final long imageBytes) throws IOException {
        final StateFile file = directory.open(NAME);
        try {
            final TreeFile opened = TreeFile.open(file);
            if (opened.whole() && opened.shape().imageBytes() == imageBytes) {
                return opened;
            }
        } catch (final ReplicationException e) {
            // A tree that cannot be read is no tree: the next verification makes a new one.
        }
        file.close();
        return null;
    }

    @Override
    public void commit(final String generation) throws IOException {
        if (tree != null) {
            tree.complete(generation);
            closeTree();
        }
    }

    @Override
    public void invalidate() throws IOException {
        closeTree();
        directory.delete(NAME);
    }

    private void closeTree() throws IOException {
        if (tree != null) {
            tree.close();
            tree = null;
        }
    }

    private static final class Listener implements RangeListener {
        private final TargetImage image;
        private final TreeShape shape;
        private final TreeUpdate update;
        private final ByteBuffer leaf;

        Listener(final TreeFile tree, final TargetImage image) {
            this.image = image;
            this.shape = tree.shape();
            this.update = new TreeUpdate(tree, false);
            this.leaf = Alignment.buffer(shape.leafBytes());
        }

        @Override
        public void written(final long offset, final ByteBuffer bytes) throws IOException {
            final long end = offset + bytes.remaining();
            for (long index = offset / shape.leafBytes(); index * shape.leafBytes() < end; index++) {
                final long from = index * shape.leafBytes();
                final long to = Math.min(from + shape.leafBytes(), shape.imageBytes());
                if (from >= offset && to <= end) {
                    update.leaf(index, bytes.slice((int) (from - offset), (int) (to - from)));
                } else {
                    image.read(from, leaf.clear().limit((int) (to - from)));
                    update.leaf(index, leaf.flip());
                }
            }
        }

        @Override
        public void done() throws IOException {
            update.finish();
        }
    }
}
