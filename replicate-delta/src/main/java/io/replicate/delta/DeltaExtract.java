package io.replicate.delta;

import io.replicate.core.spi.Cancellation;
import io.replicate.delta.change.Changes;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.ResumedOutput;
import io.replicate.delta.cow.SampleTaker;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.jspecify.annotations.Nullable;

/** Writes what changed in an image as a stream. */
public final class DeltaExtract {

    private DeltaExtract() {}

    /**
     * Writes a stream.
     *
     * @param changes which chunks are written.
     * @param source the image with their data.
     * @param out receives the stream; not closed.
     */
    public static SnapReport write(
            final Changes changes,
            final RandomBytes source,
            final ExtractOptions options,
            final WritableByteChannel out)
            throws IOException {
        if (options.exceptions() >= changes.chunks().size()) {
            return writeAll(changes, source, options, out);
        }
        try (Changes first = new Changes(changes.layout(), changes.chunks().first(options.exceptions()))) {
            return writeAll(first, source, options, out);
        }
    }

    /**
     * Goes on with a stream that was cut.
     *
     * @param token tells what the receiver has; out gets what follows.
     * @throws io.replicate.delta.cow.ResumeMismatchException when what was sent is not what store and source have now.
     */
    private static SnapReport resume(
            final Changes changes,
            final RandomBytes source,
            final ExtractOptions options,
            final ResumeToken token,
            final WritableByteChannel out)
            throws IOException {
        final ResumedOutput resumed = new ResumedOutput(out, token);
        final SnapReport report = write(changes, source, options.continuing(token), resumed);
        resumed.finish();
        return report;
    }

    /** Writes a whole stream when there is no token, else goes on. */
    public static SnapReport send(
            final Changes changes,
            final RandomBytes source,
            final ExtractOptions options,
            final @Nullable ResumeToken token,
            final WritableByteChannel out)
            throws IOException {
        return token == null ? write(changes, source, options, out) : resume(changes, source, options, token, out);
    }

    private static SnapReport writeAll(
            final Changes changes,
            final RandomBytes source,
            final ExtractOptions options,
            final WritableByteChannel out)
            throws IOException {
        final long imageBytes = source.size();
        final @Nullable Marker marker = options.bare()
                ? null
                : new Marker(
                        imageBytes, changes.chunks().size(), options.streamId(), options.base(), options.generation());
        final StreamWriter writer =
                new StreamWriter(new Stoppable(out, options.cancellation()), changes.layout(), marker);
        final ChunkData data = ChunkData.ofImage(source, changes.layout(), imageBytes);
        // In the order of the store, as dds: but for marker and trailer the stream is the same byte for byte.
        writer.write(
                changes.chunks(),
                data,
                () -> new SampleTaker(changes.chunks(), changes.layout(), source, imageBytes).take());
        return report(changes);
    }

    /** Returns the figures of the stream that changes make. */
    public static SnapReport report(final Changes changes) {
        return new SnapReport(changes.layout(), changes.chunks().size());
    }

    /** Looks at each write whether somebody asked to stop. */
    private record Stoppable(WritableByteChannel out, Cancellation cancellation) implements WritableByteChannel {
        @Override
        public int write(final ByteBuffer from) throws IOException {
            cancellation.check();
            return out.write(from);
        }

        @Override
        public boolean isOpen() {
            return out.isOpen();
        }

        @Override
        public void close() {}
    }
}
