package io.replicate.delta.sync;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.delta.DeltaExtract;
import io.replicate.delta.ExtractOptions;
import io.replicate.delta.Images;
import io.replicate.delta.Targets;
import io.replicate.delta.Verification;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.SnapChanges;
import io.replicate.delta.change.TreeChanges;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.SampleTaker;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.peer.DeltaPeer;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The copies that a sync keeps: an image that is opened here, or one that a peer serves. */
final class Copies {
    private static final Duration RETRY_FOR = Duration.ofMinutes(5);
    private static final Cancellation NEVER = new Cancellation();

    private Copies() {}

    static SyncTarget open(final Locator locator, final @Nullable Path state) throws IOException {
        return DeltaPeer.isPeer(locator)
                ? Remote.reached(locator)
                : new Local(locator, Targets.open(locator, state, false));
    }

    private static Throttle unlimited() {
        return new Throttle(Throttle.UNLIMITED);
    }

    private static Changes changes(final SyncSource source, final Images.Opened data) throws IOException {
        try (Images.Opened cow = Images.source(Locator.file(source.cowDevice()))) {
            return new SnapChanges(StoreReader.open(cow, source.cowDevice()), false).find(data.size());
        } catch (final IOException e) {
            throw new UnreadableStoreException(e);
        }
    }

    private record Local(Locator locator, DeltaTarget target) implements SyncTarget {
        @Override
        public String generation() {
            return target.torn() ? "" : target.generation();
        }

        @Override
        public void update(final SyncSource source) throws IOException {
            try (Images.Opened data = Images.source(Locator.file(source.device()))) {
                final Changes changes = changes(source, data);
                requireBase(changes, data);
                target.repair(
                        changes.layout(),
                        changes.chunks(),
                        ChunkData.ofImage(data, changes.layout(), data.size()),
                        data.size(),
                        source.generation(),
                        NEVER);
            }
        }

        private void requireBase(final Changes changes, final Images.Opened data) throws IOException {
            boolean same = false;
            try {
                target.requireBase(new SampleTaker(changes.chunks(), changes.layout(), data, data.size()).take());
                same = true;
            } finally {
                if (!same) {
                    changes.close(); // else whoever merges closes them
                }
            }
        }

        @Override
        public void resync(final SyncSource source) throws IOException {
            try (Images.Opened data = Images.source(Locator.file(source.device()));
                    TreeReader tree = Verification.treeOf(data, data.size(), unlimited(), NEVER)) {
                new Verification(target, unlimited(), NEVER)
                        .repair(tree, data, source.generation(), (offset, length) -> {});
            }
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }

    /** Connects anew for each step: what is read here in between may take longer than a peer waits. */
    private record Remote(Locator locator, String generation) implements SyncTarget {
        static Remote reached(final Locator locator) throws IOException {
            try (DeltaPeer peer = DeltaPeer.connect(locator)) {
                return new Remote(locator, peer.generation());
            }
        }

        @Override
        public void update(final SyncSource source) throws IOException {
            try (Images.Opened data = Images.source(Locator.file(source.device()));
                    Changes changes = changes(source, data)) {
                push(changes, data, source.base(), source.generation());
            }
        }

        @Override
        public void resync(final SyncSource source) throws IOException {
            try (Images.Opened data = Images.source(Locator.file(source.device()));
                    TreeReader tree = Verification.treeOf(data, data.size(), unlimited(), NEVER);
                    Changes changes = differences(tree, data)) {
                push(changes, data, "", source.generation());
            }
        }

        private Changes differences(final TreeReader tree, final Images.Opened data) throws IOException {
            try (DeltaPeer peer = DeltaPeer.connect(locator)) {
                return new TreeChanges(tree, peer).find(data.size());
            }
        }

        private void push(final Changes changes, final Images.Opened data, final String base, final String generation)
                throws IOException {
            final ExtractOptions options = ExtractOptions.of(false, base, generation, NEVER);
            DeltaPeer.push(
                    locator, (out, token) -> DeltaExtract.send(changes, data, options, token, out), RETRY_FOR, NEVER);
        }

        @Override
        public void close() {}
    }
}
