package io.replicate.core.file;

import io.replicate.core.posix.FileRange;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Data and holes of a file within some ranges, asked of the file system one run at a time. */
final class SparsePlan implements Plan<Extent> {
    private final NativeFile file;
    private final Iterator<Extent> ranges;
    private final long totalBytes;
    private final long fileBytes;
    private long position;
    private long rangeEnd;
    private @Nullable FileRange run; // the last that was found; it may begin behind the position

    /** Creates a plan over ranges that ascend, do not touch, and end within {@code fileBytes}. */
    SparsePlan(final NativeFile file, final List<Extent> ranges, final long fileBytes) {
        this.file = file;
        this.ranges = ranges.iterator();
        this.totalBytes = ranges.stream().mapToLong(Extent::length).sum();
        this.fileBytes = fileBytes;
    }

    @Override
    public @Nullable Extent next() throws IOException {
        if (position == rangeEnd) {
            if (!ranges.hasNext()) {
                requireWhole();
                return null;
            }
            final Extent range = ranges.next();
            position = range.offset();
            rangeEnd = range.end();
        }
        final FileRange data = runAtOrAfter(position);
        final boolean hole = data == null || data.offset() > position;
        final long runEnd = data == null ? rangeEnd : hole ? data.offset() : data.end();
        final long begin = position;
        position = Math.min(runEnd, rangeEnd);
        return hole ? Extent.hole(begin, position - begin) : Extent.data(begin, position - begin);
    }

    private @Nullable FileRange runAtOrAfter(final long from) throws IOException {
        if (file.isBlockDevice()) {
            return new FileRange(from, fileBytes - from);
        }
        if (run == null || run.end() <= from) {
            run = file.nextData(from);
        }
        return run;
    }

    /** A file that was cut shows a hole where it ended; nobody would read there and notice. */
    private void requireWhole() throws IOException {
        final long now = file.size();
        if (now < fileBytes) {
            throw FileSource.shrank(file, now, fileBytes);
        }
    }

    @Override
    public long totalBytes() {
        return totalBytes;
    }
}
