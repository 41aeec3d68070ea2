package io.replicate.delta.change;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What a dirty bitmap marks, such as {@code qemu:dirty-bitmap:NAME} of an NBD server. */
public final class BitmapChanges implements Changes.Finder {
    /** How NBD servers name the metadata context of a bitmap; the selection of a source has the bare name. */
    private static final String QEMU = "qemu:dirty-bitmap:";

    private final Source<Extent> source;
    private final String name;
    private final SnapLayout layout;

    /** Creates a finder over a source that knows the bitmap; the source stays open. */
    public BitmapChanges(final Source<Extent> source, final String name, final SnapLayout layout) {
        this.source = source;
        this.name = name.startsWith(QEMU) ? name.substring(QEMU.length()) : name;
        this.layout = layout;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        try (RangeChanges ranges = new RangeChanges(layout, imageBytes);
                Plan<Extent> plan = source.plan(new Selection.Bitmap(name))) {
            for (@Nullable Extent extent = plan.next(); extent != null; extent = plan.next()) {
                ranges.add(extent.offset(), extent.length());
            }
            return ranges.finish();
        }
    }
}
