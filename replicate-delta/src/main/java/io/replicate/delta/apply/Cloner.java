package io.replicate.delta.apply;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Changes a target by changing a clone of it, which then takes its name. Used by one thread. */
public interface Cloner {
    /** Never clones. */
    Cloner NONE = new Cloner() {
        @Override
        public @Nullable TargetImage make() {
            return null;
        }

        @Override
        public long cloneId() {
            return 0;
        }

        @Override
        public long targetId() {
            return -1;
        }

        @Override
        public void publish() {}

        @Override
        public void discard() {}

        @Override
        public TargetImage reopen() throws IOException {
            throw new IOException("there is no clone");
        }
    };

    /** Makes a clone that shares the target's storage; null where that is not possible. */
    @Nullable
    TargetImage make() throws IOException;

    /** Returns what tells the clone from every other file, or 0 when there is none. */
    long cloneId() throws IOException;

    /** Returns the same of the file that has the target's name. */
    long targetId() throws IOException;

    /** Gives the clone the target's name, durably. */
    void publish() throws IOException;

    /** Removes the clone, if there is one. */
    void discard() throws IOException;

    /** Opens the file that has the target's name now. */
    TargetImage reopen() throws IOException;
}
