package io.replicate.delta.apply;

import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.CutStreamException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.StreamReader;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A merge that leaves the old image or the new one: the delta is received whole, checked against the target, and only
 * then committed, through a clone where there can be one, else by redo. Used once, by one thread.
 */
final class AtomicMerge {
    private final TargetParts parts;
    private final MergeOptions options;

    AtomicMerge(final TargetParts parts, final MergeOptions options) {
        this.parts = parts;
        this.options = options;
    }

    /** Brings a delta into the part file. */
    interface Reception {
        Spool.Received receive(Spool.HeaderCheck check) throws IOException;
    }

    /** Receives, checks and commits a delta; see {@link DeltaTarget#merge}. */
    Merged run(final Reception reception) throws IOException {
        if (!options.anyBase()) {
            parts.requireNotTorn();
        }
        final BaseCheck check = parts.check(options.anyBase());
        final Spool.Received received = receive(reception, check);
        try (ExceptionList exceptions = received.exceptions()) {
            final SnapLayout layout = received.result().header().layout();
            if (check.isApplied(received.result().header().marker())) {
                parts.directory().delete(Spool.PART);
                final String generation = parts.state().generation();
                return new Merged(
                        new SnapReport(layout, exceptions.size()),
                        0,
                        Committed.ATOMIC,
                        generation,
                        List.of("the target is at generation " + generation + " already: nothing was changed"));
            }
            checkContent(received, check);
            final List<String> notes = check.notes(
                    received.result().header(), !received.result().samples().isEmpty());
            if (options.dryRun()) {
                parts.directory().delete(Spool.PART);
                return new Merged(
                        new SnapReport(layout, exceptions.size()),
                        0,
                        Committed.ATOMIC,
                        parts.state().generation(),
                        notes);
            }
            final Merged merged = commit(received, check, notes);
            parts.undo().keep(options.undoGenerations());
            parts.directory().sync();
            return merged;
        }
    }

    private Spool.Received receive(final Reception reception, final BaseCheck check) throws IOException {
        final boolean[] begun = new boolean[1]; // before, the part file is of an earlier transfer that was cut
        try {
            return reception.receive(header -> {
                check.header(header);
                begun[0] = true;
            });
        } catch (final IOException e) {
            if (begun[0] && !canGoOn(e)) {
                parts.directory().delete(Spool.PART);
            }
            throw e;
        }
    }

    /** Whether what was received so far is worth keeping: the sender went away, but said nothing wrong. */
    private static boolean canGoOn(final IOException failure) {
        return failure instanceof CutStreamException
                || ReplicationException.categoryOf(failure) == ReplicationException.Category.RETRY
                || !(failure instanceof ReplicationException || failure instanceof PosixException);
    }

    private void checkContent(final Spool.Received received, final BaseCheck check) throws IOException {
        final StreamReader.Result result = received.result();
        try {
            check.places(received.exceptions(), result.header().layout(), check.imageBytes(result.header()));
            check.samples(result.samples(), parts.image());
        } catch (final ReplicationException e) {
            parts.directory().delete(Spool.PART);
            throw e;
        }
    }

    /** Makes a received and checked delta the content of the target, keeping an undo where that is wanted. */
    Merged commit(final Spool.Received received, final BaseCheck check, final List<String> notes) throws IOException {
        final StreamReader.Result result = received.result();
        final SnapLayout layout = result.header().layout();
        final long imageBytes = check.imageBytes(result.header());
        final @Nullable Marker marker = result.header().marker();
        final String named = marker == null ? "" : marker.generation();
        final boolean nameIt = named.isEmpty() && options.undoGenerations() > 0;
        final String next = nameIt ? BaseCheck.LOCAL + StreamIds.random() : named;
        if (options.undoGenerations() > 0) {
            parts.undo().write(parts.state(), next, received.exceptions(), layout, parts.image(), imageBytes);
        }
        options.cancellation().check();
        final @Nullable TargetImage clone = options.reflink() ? parts.cloner().make() : null;
        final long written = clone == null
                ? new RedoCommit(parts).run(received, imageBytes, next)
                : new CloneCommit(parts).run(clone, received, imageBytes, next);
        final SnapReport report = new SnapReport(layout, received.exceptions().size());
        return new Merged(report, written, Committed.ATOMIC, next, notes);
    }
}
