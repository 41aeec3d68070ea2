package io.replicate.delta.change;

import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.tree.TreeDiff;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;

/** What a target differs in, found by comparing hash trees: for when nothing recorded the changes. */
public final class TreeChanges implements Changes.Finder {
    private final TreeReader ours;
    private final TreeReader theirs;

    /** Creates a finder over the trees of the source and of the target, which stay open. */
    public TreeChanges(final TreeReader ours, final TreeReader theirs) {
        this.ours = ours;
        this.theirs = theirs;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        try (RangeChanges ranges = new RangeChanges(new SnapLayout(ours.shape().leafBytes()), imageBytes)) {
            TreeDiff.compare(ours, theirs, ranges::add);
            return ranges.finish();
        }
    }
}
