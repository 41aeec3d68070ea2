package io.replicate.delta.change;

import io.replicate.core.posix.Alignment;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.nio.ByteBuffer;

/** What two images differ in. Both are read whole. */
public final class CompareChanges implements Changes.Finder {
    private static final int PIECE_BYTES = 1 << 20;

    private final RandomBytes before;
    private final RandomBytes now;
    private final SnapLayout layout;

    /** Creates a finder over two images, which stay open. */
    public CompareChanges(final RandomBytes before, final RandomBytes now, final SnapLayout layout) {
        this.before = before;
        this.now = now;
        this.layout = layout;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        final ByteBuffer a = Alignment.buffer(PIECE_BYTES);
        final ByteBuffer b = Alignment.buffer(PIECE_BYTES);
        final long common = Math.min(before.size(), imageBytes);
        final int step = (int) Math.min(PIECE_BYTES, layout.chunkBytes());
        try (RangeChanges ranges = new RangeChanges(layout, imageBytes)) {
            for (long at = 0; at < common; at += PIECE_BYTES) {
                final int n = (int) Math.min(PIECE_BYTES, common - at);
                before.read(at, a.clear().limit(n));
                now.read(at, b.clear().limit(n));
                if (a.flip().equals(b.flip())) {
                    continue;
                }
                for (int i = 0; i < n; i += step) {
                    final int length = Math.min(step, n - i);
                    if (a.slice(i, length).mismatch(b.slice(i, length)) >= 0) {
                        ranges.add(at + i, length);
                    }
                }
            }
            ranges.add(common, imageBytes - common);
            return ranges.finish();
        }
    }
}
