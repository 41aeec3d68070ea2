package io.replicate.delta.apply;

import java.io.IOException;

/** What is kept beside a target and changes with it: the hash tree. Used by one thread. */
public interface Companion {
    /** Nothing. */
    Companion NONE = new Companion() {
        @Override
        public RangeListener begin(final TargetImage image, final long imageBytes) {
            return RangeListener.NONE;
        }

        @Override
        public void commit(final String generation) {}

        @Override
        public void invalidate() {}
    };

    /** Returns who hears of the changes that are about to be made; begun again after a crash. */
    RangeListener begin(TargetImage image, long imageBytes) throws IOException;

    /** Makes what it learned durable, before the state says that the change is complete. */
    void commit(String generation) throws IOException;

    /** Is told that the target will be changed without anybody listening. */
    void invalidate() throws IOException;
}
