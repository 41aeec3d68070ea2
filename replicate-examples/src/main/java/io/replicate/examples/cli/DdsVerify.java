package io.replicate.examples.cli;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.FullCopy;
import io.replicate.delta.Images;
import io.replicate.delta.LvIdentity;
import io.replicate.delta.Targets;
import io.replicate.delta.Verification;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.peer.DeltaPeer;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;

/** {@code dds --verify}, {@code --scrub}, {@code --repair} and {@code --full}. */
final class DdsVerify {
    private final DdsOptions options;
    private final DdsStreams streams;
    private final Cancellation cancellation = new Cancellation();
    private long differing;

    DdsVerify(final DdsOptions options, final DdsStreams streams) {
        this.options = options;
        this.streams = streams;
    }

    private interface Work {
        int on(DeltaTarget target, TreeReader tree, RandomBytes data, String generation) throws IOException;
    }

    /** Opens the target, and the source: a peer with its tree, or an image that is read for it. */
    private int withSource(final Work work) throws IOException {
        final Locator locator = Locator.parse(DdsOptions.need(options.source, "--source"));
        try (DeltaTarget target = Targets.open(Locator.parse(options.target()), options.state, true)) {
            if (DeltaPeer.isPeer(locator)) {
                try (DeltaPeer peer = DeltaPeer.connect(locator)) {
                    final int code = work.on(target, peer, peer, peer.generation());
                    streams.err().println("dds: " + peer.exchangedBytes() + " bytes were exchanged");
                    return code;
                }
            }
            try (Images.Opened source = Images.source(locator);
                    TreeReader tree = Verification.treeOf(source, source.size(), options.throttle(), cancellation)) {
                return work.on(target, tree, source, LvIdentity.of(locator));
            }
        }
    }

    private void differs(final long offset, final long length) {
        differing++;
        streams.out().println("differs " + offset + " " + length);
    }

    int verify() throws IOException {
        return withSource((target, tree, data, generation) -> {
            final boolean equal = verification(target).compare(tree, options.recorded, this::differs);
            if (equal) {
                streams.out().println("equal " + tree.shape().imageBytes());
                return ExitCode.OK;
            }
            streams.err().println("dds: " + differing + " chunks differ; --repair fetches them");
            return ExitCode.FAILED;
        });
    }

    int scrub() throws IOException {
        try (DeltaTarget target = Targets.open(Locator.parse(options.target()), options.state, true)) {
            final Verification verification = verification(target);
            if (options.record) {
                verification.record();
                streams.out().println("recorded " + target.imageBytes());
                return ExitCode.OK;
            }
            final long bad = verification.scrub(this::differs);
            if (bad == 0) {
                streams.out().println("good " + target.imageBytes());
                return ExitCode.OK;
            }
            streams.err().println("dds: " + bad + " chunks are not what they were; --repair fetches them");
            return ExitCode.FAILED;
        }
    }

    int repair() throws IOException {
        options.requireApart();
        return withSource((target, tree, data, generation) -> {
            final String reached = options.generation != null
                    ? DdsOptions.id("--generation", options.generation)
                    : generation.isEmpty() ? target.generation() : generation;
            final Merged merged = verification(target).repair(tree, data, reached, this::differs);
            streams.out().println("repaired " + differing + " chunks, " + merged.writtenBytes() + " bytes");
            return ExitCode.OK;
        });
    }

    int full() throws IOException {
        options.requireApart();
        final Locator source = Locator.parse(DdsOptions.need(options.source, "--source"));
        final String generation =
                DdsOptions.id("--generation", options.generation != null ? options.generation : LvIdentity.of(source));
        final long bytes = new FullCopy(Locator.parse(options.target()), options.state, options.force)
                .run(source, generation, options.throttle().rateBytesPerSecond());
        streams.out().println("copied " + bytes);
        return ExitCode.OK;
    }

    private Verification verification(final DeltaTarget target) throws ReplicationException {
        return new Verification(target, options.throttle(), cancellation);
    }
}
