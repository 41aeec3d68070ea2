package io.replicate.delta.apply;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.cow.StreamReader;
import java.io.IOException;

/**
 * Changes a target by redo: once the state says REDO, the spool is applied until the target has it all, by this process
 * or by whoever opens the target next. Used by one thread.
 */
final class RedoCommit {
    private final TargetParts parts;

    RedoCommit(final TargetParts parts) {
        this.parts = parts;
    }

    /** Commits a whole, durable part file, and applies it; returns how many bytes were written. */
    long run(final Spool.Received received, final long imageBytes, final String next) throws IOException {
        final StreamReader.Result result = received.result();
        parts.directory().rename(Spool.PART, Spool.WHOLE);
        parts.directory().sync();
        parts.store(parts.state().redo(next, imageBytes, result.bodyBytes(), result.bodySha256()));
        // Committed: from here on the merge is completed, whatever happens.
        try (StateFile spool = parts.directory().open(Spool.WHOLE)) {
            return apply(StoreReader.open(spool, Spool.WHOLE), received.exceptions());
        }
    }

    /**
     * Applies what was committed before a crash; from the beginning, whatever was applied then.
     *
     * @throws ReplicationException CORRUPT when the spool is damaged.
     */
    void replay() throws IOException {
        final TargetState state = parts.state();
        try (StateFile spool = parts.directory().open(Spool.WHOLE)) {
            if (!Spool.sha256(spool, state.spoolBytes()).equals(state.spoolSha256())) {
                throw ReplicationException.corrupt("the committed spool " + Spool.WHOLE
                        + " is damaged: the target is half changed; bring it to generation " + state.next()
                        + " with --repair against the source");
            }
            final StoreReader store = StoreReader.open(spool, Spool.WHOLE);
            try (ExceptionList exceptions = store.exceptions(false)) {
                apply(store, exceptions);
            }
        }
    }

    private long apply(final StoreReader store, final ExceptionList exceptions) throws IOException {
        final TargetState state = parts.state();
        final RangeListener listener = parts.companion().begin(parts.image(), state.imageBytes());
        final long written =
                new Applier(store, parts.image(), state.imageBytes(), listener, new Cancellation()).apply(exceptions);
        parts.image().flush();
        parts.companion().commit(state.next());
        parts.store(state.idle(state.next(), state.imageBytes()));
        parts.directory().delete(Spool.WHOLE);
        return written;
    }
}
