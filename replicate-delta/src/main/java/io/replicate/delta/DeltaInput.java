package io.replicate.delta;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.apply.TargetImage;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.RbdChanges;
import io.replicate.delta.change.RbdDiff;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamReader;
import io.replicate.delta.frame.FramedInput;
import io.replicate.delta.frame.FramedOutput;
import io.replicate.delta.tree.TreeDiff;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A delta as it comes: a stream, framed or not, from its beginning or continued; a store that can be read anywhere; an
 * rbd diff. What it is, its first bytes tell. Used once, by one thread.
 */
public final class DeltaInput {
    private static final int HEAD = 12;

    private final Peek channel;
    private final @Nullable RandomBytes store;
    private final String where;

    private DeltaInput(final ReadableByteChannel channel, final @Nullable RandomBytes store, final String where) {
        this.channel = new Peek(channel);
        this.store = store;
        this.where = where;
    }

    /**
     * A delta from a channel.
     *
     * @param where names it in messages.
     */
    public static DeltaInput of(final ReadableByteChannel in, final String where) {
        return new DeltaInput(in, null, where);
    }

    /** A delta from a file or device. */
    public static DeltaInput of(final RandomBytes file, final String where) {
        return new DeltaInput(new Sequential(file), file, where);
    }

    /** Merges it. */
    public Merged merge(final DeltaTarget target, final MergeOptions options, final boolean inPlace)
            throws IOException {
        final Peek in = unwrapped();
        if (begins(in, RbdDiff.MAGIC)) {
            return new RbdMerge(target).merge(in, where, options, inPlace);
        }
        if (begins(in, ResumeToken.MAGIC)) {
            if (inPlace) {
                throw ReplicationException.misuse("a continued stream goes on with a spool: merge without --in-place");
            }
            final ResumeToken token = ResumeToken.decode(in.next(ResumeToken.LENGTH));
            skip(in, ResumeToken.LENGTH);
            return target.resume(token, in, where, options);
        }
        if (store != null && in == channel && !marked(in)) {
            final StoreReader reader = StoreReader.open(store, where);
            return inPlace ? target.mergeInPlace(reader, options) : target.merge(reader, options);
        }
        return inPlace ? target.mergeInPlace(in, where, options) : target.merge(in, where, options);
    }

    /** Passes on the ranges of the image that it changes, and returns its figures. Changes nothing. */
    public SnapReport list(final boolean lenient, final TreeDiff.Visitor visitor) throws IOException {
        final Peek in = unwrapped();
        if (begins(in, RbdDiff.MAGIC)) {
            try (Changes changes = new RbdChanges(in, where, RbdMerge.LAYOUT).find(Long.MAX_VALUE)) {
                DeltaRanges.visit(changes.layout(), changes.chunks(), Long.MAX_VALUE, visitor);
                return new SnapReport(changes.layout(), changes.chunks().size());
            }
        }
        if (store != null && in == channel && !marked(in)) {
            final StoreReader reader = StoreReader.open(store, where);
            try (ExceptionList chunks = reader.exceptions(lenient)) {
                DeltaRanges.visit(reader.header(), chunks, visitor);
                return new SnapReport(reader.layout(), chunks.size());
            }
        }
        final DeltaRanges.Read read = DeltaRanges.read(in, where, lenient);
        try (ExceptionList chunks = read.chunks()) {
            DeltaRanges.visit(read.header(), chunks, visitor);
            return new SnapReport(read.header().layout(), chunks.size());
        }
    }

    /**
     * Stores it in a COW volume of the kernel's own.
     *
     * @param force whether what the volume holds, or who uses it, does not matter.
     * @param dryRun whether everything is checked and nothing written.
     */
    public SnapReport storeIn(final Locator volume, final boolean force, final boolean lenient, final boolean dryRun)
            throws IOException {
        try (TargetImage image = Images.target(volume, force)) {
            final StreamReader.Result result = new CowVolume(image, force).store(unwrapped(), where, lenient, dryRun);
            return new SnapReport(result.header().layout(), result.exceptions());
        }
    }

    private Peek unwrapped() throws IOException {
        if (!begins(channel, FramedOutput.MAGIC)) {
            return channel;
        }
        skip(channel, FramedOutput.MAGIC.length());
        return new Peek(new FramedInput(channel));
    }

    /** Streams with a marker are read forwards, as their trailer proves them; a store of the kernel anywhere. */
    private static boolean marked(final Peek in) throws IOException {
        final byte[] sector = in.next(SnapHeader.SECTOR_BYTES);
        return sector.length == SnapHeader.SECTOR_BYTES && Marker.present(ByteBuffer.wrap(sector));
    }

    private static boolean begins(final Peek in, final String magic) throws IOException {
        return new String(in.next(HEAD), StandardCharsets.ISO_8859_1).startsWith(magic);
    }

    private static void skip(final Peek in, final int bytes) throws IOException {
        final ByteBuffer skipped = ByteBuffer.allocate(bytes);
        while (skipped.hasRemaining() && in.read(skipped) >= 0) {
            // the bytes were looked at before
        }
    }

    /** A file read from its beginning. */
    static final class Sequential implements ReadableByteChannel {
        private final RandomBytes file;
        private long at;

        Sequential(final RandomBytes file) {
            this.file = file;
        }

        @Override
        public int read(final ByteBuffer into) throws IOException {
            final int n = (int) Math.min(into.remaining(), file.size() - at);
            if (n <= 0) {
                return -1;
            }
            final int limit = into.limit();
            file.read(at, into.limit(into.position() + n));
            into.limit(limit);
            at += n;
            return n;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
