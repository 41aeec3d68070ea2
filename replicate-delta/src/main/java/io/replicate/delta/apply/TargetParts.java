package io.replicate.delta.apply;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;

/** What every merge of a target works on: the image, what is known of it, and what is kept beside it. Used by one thread. */
final class TargetParts {
    private final StateDirectory directory;
    private final Companion companion;
    private final Cloner cloner;
    private final StateLog log;
    private final UndoLog undo;
    private TargetImage image;
    private TargetState state;

    TargetParts(final TargetImage image, final StateDirectory directory, final Companion companion, final Cloner cloner)
            throws IOException {
        this.image = image;
        this.directory = directory;
        this.companion = companion;
        this.cloner = cloner;
        this.log = new StateLog(directory);
        this.undo = new UndoLog(directory);
        this.state = log.load();
    }

    TargetImage image() {
        return image;
    }

    StateDirectory directory() {
        return directory;
    }

    Companion companion() {
        return companion;
    }

    Cloner cloner() {
        return cloner;
    }

    UndoLog undo() {
        return undo;
    }

    TargetState state() {
        return state;
    }

    /** Makes a state durable; it is the state from then on. */
    void store(final TargetState next) throws IOException {
        log.store(next);
        state = next;
    }

    /** Lets another image, which has taken the name of this one, take its place; this one is closed. */
    void replaceImage(final TargetImage other) throws IOException {
        image.close();
        image = other;
    }

    /** Returns a check of deltas against the target as it is. */
    BaseCheck check(final boolean anyBase) throws IOException {
        return new BaseCheck(state.generation(), image.size(), anyBase);
    }

    boolean torn() {
        return state.phase() == TargetState.Phase.IN_PLACE;
    }

    void requireNotTorn() throws ReplicationException {
        if (torn()) {
            throw ReplicationException.misuse("an in-place merge or a full copy of this target was interrupted: it is a"
                    + " mixture of two generations. Run the same command again, or --repair it");
        }
    }

    /** Forgets, durably, what a change that nobody can follow makes untrue: the hash tree and the undo generations. */
    void forgetHistory() throws IOException {
        companion.invalidate();
        undo.removeStray(0);
        directory.sync();
    }
}
