package io.replicate.delta.apply;

import io.replicate.core.spi.Committed;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamReader;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A merge that writes as it reads: a crash or a cut stream leaves a mixture, and the state IN_PLACE says so. Used once,
 * by one thread.
 */
final class InPlaceMerge {
    private final TargetParts parts;
    private final MergeOptions options;
    private final BaseCheck check;

    InPlaceMerge(final TargetParts parts, final MergeOptions options) throws IOException {
        this.parts = parts;
        this.options = options;
        this.check = parts.check(options.anyBase());
    }

    /** Merges a stream while it comes in. */
    Merged stream(final ReadableByteChannel in, final String where) throws IOException {
        try (ExceptionList exceptions = new ExceptionList()) {
            final ForwardApplier applier = new ForwardApplier(
                    parts.image(),
                    check,
                    header -> begin(header, check.imageBytes(header)),
                    options.cancellation(),
                    exceptions);
            final StreamReader.Result result = new StreamReader(in, where, options.lenient()).read(applier);
            applier.drain();
            parts.image().flush();
            exceptions.requireUnique(where);
            check.samples(result.samples(), parts.image());
            return end(result.header(), !result.samples().isEmpty(), exceptions, applier.written());
        }
    }

    /** Merges a store that can be read anywhere. */
    Merged store(final StoreReader store) throws IOException {
        check.header(store.header());
        final long imageBytes = check.imageBytes(store.header());
        try (ExceptionList exceptions = store.exceptions(options.lenient())) {
            check.places(exceptions, store.layout(), imageBytes);
            begin(store.header(), imageBytes);
            final long written = new Applier(
                            store, parts.image(), imageBytes, RangeListener.NONE, options.cancellation())
                    .apply(exceptions);
            parts.image().flush();
            return end(store.header(), false, exceptions, written);
        }
    }

    private void begin(final HeaderChunk header, final long imageBytes) throws IOException {
        final @Nullable Marker marker = header.marker();
        parts.forgetHistory();
        parts.store(parts.state().inPlace(marker == null ? "" : marker.generation(), imageBytes));
    }

    private Merged end(
            final HeaderChunk header, final boolean sampled, final ExceptionList exceptions, final long written)
            throws IOException {
        final TargetState state = parts.state();
        final List<String> notes = check.notes(header, sampled);
        parts.store(state.idle(state.next(), state.imageBytes()));
        return new Merged(
                new SnapReport(header.layout(), exceptions.size()), written, Committed.IN_PLACE, state.next(), notes);
    }
}
