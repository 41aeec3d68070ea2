package io.replicate.delta.change;

import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/** What an rbd diff names; the data is taken from the source. */
public final class RbdChanges implements Changes.Finder {
    private final ReadableByteChannel in;
    private final String where;
    private final SnapLayout layout;

    /** Creates a finder over a diff, which is read once; the channel stays open. */
    public RbdChanges(final ReadableByteChannel in, final String where, final SnapLayout layout) {
        this.in = in;
        this.where = where;
        this.layout = layout;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        try (RangeChanges ranges = new RangeChanges(layout, imageBytes)) {
            new RbdDiff(in, where).read(new RbdDiff.Visitor() {
                private long end = imageBytes;

                @Override
                public void size(final long bytes) {
                    end = Math.min(end, bytes);
                }

                @Override
                public void data(final long offset, final ByteBuffer bytes) throws IOException {
                    zeros(offset, bytes.remaining());
                }

                @Override
                public void zeros(final long offset, final long length) throws IOException {
                    if (offset < end) {
                        ranges.add(offset, Math.min(length, end - offset));
                    }
                }
            });
            return ranges.finish();
        }
    }
}
