package io.replicate.examples.cli;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.Targets;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.SnapReport;
import java.io.IOException;

/** {@code dds --merge}, {@code --rollback} and {@code --recover}. */
final class DdsMerge {
    private final DdsOptions options;
    private final DdsStreams streams;
    private final boolean verbose;

    DdsMerge(final DdsOptions options, final DdsStreams streams, final boolean verbose) {
        this.options = options;
        this.streams = streams;
        this.verbose = verbose;
    }

    int run() throws IOException {
        if (options.undo < 0) {
            throw ReplicationException.misuse("--undo " + options.undo + ": expected 0 or more");
        }
        if (options.inPlace && (options.undo > 0 || options.dryRun)) {
            throw ReplicationException.misuse(
                    "--in-place writes as the stream comes: there is no --undo and no --dry-run");
        }
        options.requireApart();
        final Locator locator = Locator.parse(options.target());
        if (options.cowVolume) {
            return toCowVolume(locator);
        }
        try (DeltaTarget target = open(locator)) {
            if (options.position) {
                streams.out().println(target.position());
                return ExitCode.OK;
            }
            try (DdsStreams.Opened opened = streams.input(options.cow)) {
                final MergeOptions merge = new MergeOptions(
                        options.lenient,
                        options.anyBase,
                        options.undo,
                        !options.noReflink,
                        options.dryRun,
                        new Cancellation());
                report(opened.input().merge(target, merge, options.inPlace));
            }
        }
        return ExitCode.OK;
    }

    private int toCowVolume(final Locator locator) throws IOException {
        if (options.inPlace || options.undo > 0 || options.position) {
            throw ReplicationException.misuse(
                    "--cow-volume only stores the delta: there is no --in-place, no --undo and no --position");
        }
        try (DdsStreams.Opened opened = streams.input(options.cow)) {
            final SnapReport report = opened.input().storeIn(locator, options.force, options.lenient, options.dryRun);
            if (verbose) {
                streams.report(report);
            }
        }
        return ExitCode.OK;
    }

    int rollback() throws IOException {
        try (DeltaTarget target = open(Locator.parse(options.target()))) {
            report(target.rollback());
        }
        return ExitCode.OK;
    }

    int recover() throws IOException {
        try (DeltaTarget target = open(Locator.parse(options.target()))) {
            if (target.torn()) {
                throw ReplicationException.fail(
                        "an in-place merge of this target was interrupted: merge the same delta again, or --repair it",
                        null);
            }
            streams.out()
                    .println(target.recovered() ? "the committed merge was completed" : "nothing was left to be done");
        }
        return ExitCode.OK;
    }

    private DeltaTarget open(final Locator locator) throws IOException {
        final DeltaTarget target = Targets.open(locator, options.state, options.force);
        if (target.recovered() && verbose) {
            streams.err().println("dds: an earlier merge was completed first");
        }
        return target;
    }

    private void report(final Merged merged) {
        if (verbose) {
            streams.report(merged.report());
            streams.err()
                    .println("Merged: " + merged.writtenBytes() + " bytes written, "
                            + (merged.committed() == Committed.ATOMIC ? "atomic" : "in place")
                            + (merged.generation().isEmpty() ? "" : ", generation " + merged.generation()));
        }
        merged.notes().forEach(note -> streams.err().println("dds: " + note));
    }
}
