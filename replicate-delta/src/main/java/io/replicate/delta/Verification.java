package io.replicate.delta;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.tree.TreeCompanion;
import io.replicate.delta.tree.TreeDiff;
import io.replicate.delta.tree.TreeFile;
import io.replicate.delta.tree.TreeReader;
import io.replicate.delta.tree.TreeScan;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Proves a target by its hash tree, against its source or against what it was; and repairs what is not as it must be. */
public final class Verification {
    private static final String SCANNED = "tree.new";

    private final DeltaTarget target;
    private final Throttle throttle;
    private final Cancellation cancellation;

    /** Creates a verification of a target, which reads at most as fast as the throttle allows. */
    public Verification(final DeltaTarget target, final Throttle throttle, final Cancellation cancellation) {
        this.target = target;
        this.throttle = throttle;
        this.cancellation = cancellation;
    }

    /**
     * Returns the tree that is recorded beside the target, or null when there is none of its generation.
     */
    public @Nullable TreeFile recorded() throws IOException {
        if (!target.directory().exists(TreeCompanion.NAME)) {
            return null;
        }
        final TreeFile tree = TreeFile.open(target.directory().open(TreeCompanion.NAME));
        if (tree.whole() && tree.generation().equals(target.generation())) {
            return tree;
        }
        tree.close();
        return null;
    }

    /**
     * Compares the target with another image by their trees.
     *
     * @param theirs the tree of the image that the target must equal.
     * @param byRecord whether the target's recorded tree is believed; else the target is read.
     * @return whether they are equal.
     */
    public boolean compare(final TreeReader theirs, final boolean byRecord, final TreeDiff.Visitor visitor)
            throws IOException {
        if (byRecord) {
            final @Nullable TreeFile recorded = recorded();
            if (recorded == null) {
                throw ReplicationException.misuse(
                        "no hash tree of the target's generation is recorded: verify without --recorded makes one");
            }
            try (recorded) {
                return TreeDiff.compare(recorded, theirs, visitor);
            }
        }
        final boolean recorded = hasRecorded();
        requireSize(theirs);
        final boolean equal;
        try (TreeFile ours = scan(theirs.shape().imageBytes())) {
            equal = TreeDiff.compare(ours, theirs, visitor);
        }
        // What differs must not become what later scrubs believe.
        if (equal || !recorded) {
            target.directory().rename(SCANNED, TreeCompanion.NAME);
        } else {
            target.directory().delete(SCANNED);
        }
        target.directory().sync();
        return equal;
    }

    /** A damaged tree is none: a new one takes its place. */
    private boolean hasRecorded() throws IOException {
        try (TreeFile tree = recorded()) {
            return tree != null;
        } catch (final ReplicationException e) {
            if (e.category() == ReplicationException.Category.CORRUPT) {
                return false;
            }
            throw e;
        }
    }

    private void requireNotCut(final long imageBytes) throws IOException {
        if (imageBytes > target.image().size()) {
            throw ReplicationException.corrupt("the image has " + imageBytes + " bytes, the target only "
                    + target.image().size() + ": it was cut; make it larger, and --repair it");
        }
    }

    private void requireSize(final TreeReader theirs) throws IOException {
        final long size = theirs.shape().imageBytes();
        if (size > target.image().size()) {
            throw ReplicationException.misuse("the source has " + size + " bytes, the target only "
                    + target.image().size() + ": make it larger first");
        }
    }

    private TreeFile scan(final long imageBytes) throws IOException {
        return new TreeScan(target.image(), throttle, cancellation)
                .build(target.directory().create(SCANNED), imageBytes, target.generation());
    }

    /** Makes, or makes anew, the recorded tree of the target as it is. */
    public void record() throws IOException {
        requireNotCut(target.imageBytes());
        scan(target.imageBytes()).close();
        target.directory().rename(SCANNED, TreeCompanion.NAME);
        target.directory().sync();
    }

    /**
     * Compares the target with its recorded tree.
     *
     * @return how many chunks differ.
     * @throws ReplicationException MISUSE when no tree is recorded.
     */
    public long scrub(final TreeDiff.Visitor visitor) throws IOException {
        final @Nullable TreeFile recorded = recorded();
        if (recorded == null) {
            throw ReplicationException.misuse("no hash tree of this target is recorded: --verify against its source, or"
                    + " --scrub --record to record it as it is");
        }
        try (recorded) {
            requireNotCut(recorded.shape().imageBytes());
            return new TreeScan(target.image(), throttle, cancellation).scrub(recorded, visitor);
        }
    }

    /**
     * Makes the target equal to its source, by fetching the chunks that differ; atomically.
     *
     * @param theirs the tree of the source.
     * @param source the data of the source.
     * @param generation of the source, or empty.
     */
    public Merged repair(
            final TreeReader theirs, final RandomBytes source, final String generation, final TreeDiff.Visitor visitor)
            throws IOException {
        requireSize(theirs);
        final SnapLayout layout = new SnapLayout(theirs.shape().leafBytes());
        final ExceptionList bad = new ExceptionList();
        boolean handedOver = false;
        try {
            try (TreeFile ours = scan(theirs.shape().imageBytes())) {
                TreeDiff.compare(ours, theirs, (offset, length) -> {
                    visitor.differs(offset, length);
                    bad.entry(offset / layout.chunkBytes(), 0);
                });
            }
            target.directory().rename(SCANNED, TreeCompanion.NAME);
            target.directory().sync();
            final long imageBytes = theirs.shape().imageBytes();
            handedOver = true;
            return target.repair(
                    layout, bad, ChunkData.ofImage(source, layout, imageBytes), imageBytes, generation, cancellation);
        } finally {
            if (!handedOver) {
                bad.close();
            }
        }
    }

    /** Builds the tree of an image that has no state, in an unnamed file. */
    public static TreeReader treeOf(
            final RandomBytes image, final long imageBytes, final Throttle throttle, final Cancellation cancellation)
            throws IOException {
        return new TreeScan(image, throttle, cancellation).build(TemporaryFile.create(), imageBytes, "");
    }
}
