package io.replicate.delta.apply;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Goes back one generation by merging the newest undo, atomically as any merge. Used once, by one thread. */
final class Rollback {
    private final TargetParts parts;

    Rollback(final TargetParts parts) {
        this.parts = parts;
    }

    /** Goes back; MISUSE when no generation was kept. */
    Merged run() throws IOException {
        parts.requireNotTorn();
        final List<Long> kept = parts.undo().sequences();
        for (int i = kept.size() - 1; i >= 0; i--) {
            final String name = UndoLog.name(kept.get(i));
            final @Nullable Merged merged = to(name);
            parts.directory().delete(name);
            parts.directory().sync();
            if (merged != null) {
                return merged;
            }
        }
        throw ReplicationException.misuse("no generation is kept to go back to: merge with --undo N to keep some");
    }

    /** Merges an undo; null when a crash left it behind though it was merged already. */
    private @Nullable Merged to(final String name) throws IOException {
        try (StateFile file = parts.directory().open(name)) {
            final @Nullable Marker marker =
                    StoreReader.open(file, name).header().marker();
            if (marker == null || !marker.base().equals(parts.state().generation())) {
                return null;
            }
            final BaseCheck check = parts.check(false);
            final Spool.Received received =
                    Spool.receive(parts.directory(), new FileIn(file), name, false, 0, check::header);
            try (ExceptionList exceptions = received.exceptions()) {
                check.places(
                        exceptions,
                        received.result().header().layout(),
                        check.imageBytes(received.result().header()));
                return new AtomicMerge(parts, MergeOptions.DEFAULT).commit(received, check, List.of());
            }
        }
    }
}
